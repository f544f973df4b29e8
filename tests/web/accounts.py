"""Users and clients for tests of the API."""

import hashlib
from typing import Any

import httpx

from samplemind_worker.accounts import users
from samplemind_worker.pipeline.workspace import Workspace

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of tests


def add_user(workspace: Workspace, name: str, role: Any = "admin", **more: Any) -> None:
    """Add a user whose password is `PASSWORD`."""
    hashed = users.with_password(name, PASSWORD)
    users.add_user(name, role=role, roots=more.get("roots"), password=hashed, settings=workspace.settings)


def log_in(web: httpx.Client, name: str, password: str = PASSWORD) -> httpx.Response:
    """Log in as a browser does; the client keeps the cookie and sends the CSRF token from then on."""
    answer = web.post("/api/v1/auth/login", json={"name": name, "password": password})
    if answer.status_code == 200:
        web.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return answer


def tokens(web: httpx.Client, name: str) -> dict[str, Any]:
    """Log in as a program does."""
    return web.post("/api/v1/auth/token", json={"name": name, "password": PASSWORD}).raise_for_status().json()


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def digest(text: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
