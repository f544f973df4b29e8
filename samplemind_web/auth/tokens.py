"""Tokens of programs: access tokens (JWT, 15 minutes), refresh tokens that rotate, personal API tokens.

The record holds only hashes of refresh and API tokens. An access token counts as long as its login has not ended and
its user is active, so that it, too, can be revoked.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import jwt

from config.settings import Settings
from samplemind_worker.documents.user import User
from samplemind_worker.store import credentials

ACCESS_SECONDS: Final = 900
REFRESH_LIFETIME: Final = timedelta(days=30)
API_TOKEN: Final = "smk_"  # noqa: S105 -- how such tokens begin
_REFRESH_TOKEN: Final = "smr_"  # noqa: S105 -- how such tokens begin
_ALGORITHM: Final = "HS256"
_ISSUER: Final = "samplemind"
_KEY_BYTES: Final = 32
_KEY_AGE: Final = timedelta(days=30)
_KEY_LIFETIME: Final = _KEY_AGE + timedelta(days=2)
_READ_KEYS_EVERY: Final = 60.0  # s
_READ_KEYS_AT_MOST: Final = 2.0
"""s: an unknown key may be a new one of another server, but strangers must not make this server ask all the time."""


@dataclass(frozen=True)
class AccessClaims:
    """What an access token says."""

    user_id: str
    epoch: int
    family: str


@dataclass(frozen=True)
class _Key:
    secret: bytes
    made_at: float


class AccessTokens:
    """Signs and verifies access tokens."""

    def __init__(self, settings: Settings) -> None:
        self._audience = settings.database
        self._given = _given_keys(settings)
        self._keys: dict[str, _Key] = {}
        self._read_at = -_READ_KEYS_EVERY

    async def issue(self, user: User, family: str) -> str:
        """Return a token of a user."""
        kid, key = await self._newest()
        now = int(time.time())
        claims = {
            "iss": _ISSUER,
            "aud": self._audience,
            "sub": user.id,
            "iat": now,
            "exp": now + ACCESS_SECONDS,
            "jti": secrets.token_urlsafe(8),
            "epoch": user.epoch,
            "family": family,
        }
        return jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"kid": kid, "typ": "at+jwt"})

    async def read(self, token: str) -> AccessClaims | None:
        """Return what a token says if it is ours and has not expired."""
        try:
            header = jwt.get_unverified_header(token)
            kid = header.get("kid")
            key = await self._verifying(kid) if isinstance(kid, str) and header.get("typ") == "at+jwt" else None
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=self._audience,
                issuer=_ISSUER,
                options={"require": ["iss", "aud", "sub", "iat", "exp"]},
            )
        except (jwt.PyJWTError, ValueError):
            return None
        epoch, family = claims.get("epoch"), claims.get("family")
        if not isinstance(epoch, int) or not isinstance(family, str):
            return None
        return AccessClaims(claims["sub"], epoch, family)

    async def _newest(self) -> tuple[str, bytes]:
        if self._given:
            return next(iter(self._given.items()))
        await self._read(_READ_KEYS_EVERY)
        newest = next(iter(self._keys.items()), None)
        if newest is None or time.time() - newest[1].made_at > _KEY_AGE.total_seconds():
            await credentials.add_signing_key.aio(
                secrets.token_hex(8), secrets.token_bytes(_KEY_BYTES), lifetime=_KEY_LIFETIME
            )
            await self._read(0.0)
            newest = next(iter(self._keys.items()))
        return newest[0], newest[1].secret

    async def _verifying(self, kid: str) -> bytes | None:
        if self._given:
            return self._given.get(kid)
        await self._read(_READ_KEYS_EVERY if kid in self._keys else _READ_KEYS_AT_MOST)
        key = self._keys.get(kid)
        return None if key is None else key.secret

    async def _read(self, older_than: float) -> None:
        now = time.monotonic()
        if now - self._read_at < older_than:
            return
        self._read_at = now
        found = await credentials.signing_keys.aio()
        self._keys = {key.id: _Key(key.secret, key.created_at.timestamp()) for key in found}


def _given_keys(settings: Settings) -> dict[str, bytes]:
    """Return the keys of the setting by their `kid`; the first one signs."""
    given = "" if settings.web_secret is None else settings.web_secret.get_secret_value()
    keys = [hashlib.sha256(b"samplemind access token\0" + secret.encode()).digest() for secret in given.split()]
    return {hashlib.sha256(key).hexdigest()[:16]: key for key in keys}


def digest_of(token: str) -> str:
    """Return the hash by which the record knows a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def new_api_token() -> str:
    """Return a new personal API token."""
    return API_TOKEN + secrets.token_urlsafe(32)


def new_family() -> str:
    """Return the id of a new login of a program."""
    return secrets.token_hex(16)


def new_refresh_token(family: str) -> str:
    """Return a new refresh token of a login."""
    return f"{_REFRESH_TOKEN}{family}.{secrets.token_urlsafe(32)}"


def family_of(refresh_token: str) -> str | None:
    """Return the login that a refresh token names; None if it is no such token."""
    family, dot, rest = refresh_token.removeprefix(_REFRESH_TOKEN).partition(".")
    return family if refresh_token.startswith(_REFRESH_TOKEN) and dot and rest and family.isalnum() else None
