"""Passwords: which ones are accepted, and their argon2id hashes.

Hashing takes about 64 MB and 50 ms by design, and releases the GIL; the web server runs it in a small pool of threads.
"""

import unicodedata
from functools import cache
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from samplemind_worker.errors import UsageError

SHORTEST: Final = 12
"""Characters of the shortest password."""
LONGEST: Final = 1024
"""Bytes of the longest password, in UTF-8."""
_FEWEST: Final = 5
"""Distinct characters that a password must have, so that it is not one key held down."""


_RUNS: Final = "01234567890123456789 abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm qwertzuiopasdfghjklyxcvbnm"
"""Neighbouring keys and letters."""


def check(password: str, *, name: str) -> None:
    """Check that a password may be used by a user of that name.

    Raises
    ------
    UsageError
        If not; the message says why, and does not contain the password.
    """
    text = _settled(password)
    if len(text) < SHORTEST:
        raise UsageError(f"the password has fewer than {SHORTEST} characters")
    if len(text.encode(errors="surrogatepass")) > LONGEST:
        raise UsageError(f"the password has more than {LONGEST} bytes")
    folded = text.casefold()
    if len(set(folded)) < _FEWEST:
        raise UsageError(f"the password has fewer than {_FEWEST} different characters")
    rest = folded
    for word in (name.casefold(), "samplemind", "password", "passwort"):
        rest = rest.replace(word, "")
    if len(rest) < SHORTEST // 2:
        raise UsageError("the password consists of little more than the user's name or a word that everybody tries")
    if folded in _RUNS or folded in _RUNS[::-1]:
        raise UsageError("the password is a run of neighbouring keys")


def hash_password(password: str) -> str:
    """Return the hash of a password, which names its own parameters."""
    return _hasher().hash(_bytes(password))


def verify(password: str, hashed: str | None) -> tuple[bool, str | None]:
    """Return whether a password has this hash, and a new hash if the old one has weaker parameters than today's.

    Without a hash (there is no such user) the answer is no, and takes as long.
    """
    data = _bytes(password)
    if len(data) > LONGEST:
        return False, None
    fits, better = _hasher().verify_and_update(data, hashed or _nobodys())
    return (fits, better) if hashed is not None else (False, None)


def _settled(password: str) -> str:
    """Return the one spelling of a text: keyboards write an accent as a letter of its own, or not."""
    return unicodedata.normalize("NFC", password)


def _bytes(password: str) -> bytes:
    return _settled(password).encode(errors="surrogatepass")


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys() -> str:
    return hash_password("nobody has this password")
