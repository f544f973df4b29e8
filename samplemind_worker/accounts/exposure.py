"""Whether the web server can be reached from elsewhere; then it needs users."""

import ipaddress
import socket

from config.settings import Settings
from samplemind_worker.errors import SetupError
from samplemind_worker.store import users


def is_local(address: str) -> bool:
    """Return whether only this machine reaches an address to listen at; a path is that of a unix socket.

    Raises
    ------
    SetupError
        If it is a name that nothing is known of.
    """
    if address.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SetupError(f"cannot listen at {address}: this machine does not know that name") from error
    return all(ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_loopback for each in found)


def is_exposed(settings: Settings, address: str) -> bool:
    """Return whether others may reach the server: by the address, or by a proxy that the settings name."""
    return not is_local(address) or bool(settings.web_hosts or settings.web_proxies)


def require_users(settings: Settings, address: str) -> None:
    """Check that a server which others reach has somebody who can log in and manage it.

    Raises
    ------
    SetupError
        If not.
    """
    if is_exposed(settings, address) and not users.active_admins():
        reason = f"at {address} others" if not is_local(address) else "behind a proxy (SAMPLEMIND_WEB_HOSTS) others"
        raise SetupError(
            f"{reason} reach the server, and no admin could log in: `samplemind user add NAME --role admin`"
        )
