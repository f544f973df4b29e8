"""Hosts that are network namespaces of this machine: each has an address, a cable to the stores, and nothing else.

Root makes them directly, anybody else in a user namespace, where the system allows it. They need `unshare` and
`nsenter` (util-linux) and `ip` (iproute2), change nothing outside of the namespaces, and vanish with this process.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which

_GATEWAY = Path(__file__).with_name("gateway.py")
_PORTS = {"redis": 6379, "mongodb": 27017, "chroma": 8000}
_TOOLS = ("unshare", "nsenter", "ip")


def obstacle() -> str | None:
    """Say why this machine cannot have such hosts; None if it can."""
    missing = [tool for tool in _TOOLS if which(tool) is None]
    if missing:
        return f"hosts need {', '.join(missing)} (util-linux, iproute2)"
    # Both sides of a cable, and a namespace within the first one.
    script = "ip link add name one type veth peer name other && ip link set lo up && unshare --net true"
    done = subprocess.run(
        [*_unshare(os.geteuid() != 0), "sh", "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    return None if done.returncode == 0 else f"network namespaces are not allowed here: {done.stderr.strip()}"


def _unshare(as_user: bool) -> list[str]:  # noqa: FBT001 -- one of two commands
    return ["unshare", *(["--user", "--map-root-user"] if as_user else []), "--net"]


class _Namespace:
    """A network namespace, kept by a process that ends when this process does."""

    def __init__(self, command: list[str]) -> None:
        # `cat` says by its first line that the namespace is there, and reads until its input ends.
        self._keeper = subprocess.Popen(
            [*command, "sh", "-c", "echo ready; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        assert self._keeper.stdout.readline() == b"ready\n", "the namespace was not made"
        self.pid = self._keeper.pid

    def close(self) -> None:
        self._keeper.kill()
        self._keeper.communicate()


@dataclass(frozen=True)
class Host:
    """One host: what its commands begin with, and where it finds the stores."""

    name: str
    prefix: tuple[str, ...]
    """What a command begins with that runs on this host."""
    stores: str
    """The stores' address at the other end of this host's cable."""

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead a worker on this host to the stores."""
        return {
            "SAMPLEMIND_HOST": self.name,
            "SAMPLEMIND_REDIS_URL": f"redis://{self.stores}:{_PORTS['redis']}/0",
            "SAMPLEMIND_MONGODB_URL": (
                f"mongodb://{self.stores}:{_PORTS['mongodb']}/samplemind?journal=true&directConnection=true"
            ),
            "SAMPLEMIND_CHROMA_URL": f"http://{self.stores}:{_PORTS['chroma']}",
        }


class Network:
    """The stores' namespace, and a cable from it to each host."""

    def __init__(self, sockets: Mapping[str, Path]) -> None:
        self._as_user = os.geteuid() != 0
        self._stores = _Namespace(_unshare(self._as_user))
        self._kept: list[_Namespace] = []
        self._in_stores("ip", "link", "set", "lo", "up")
        routes = [f"{port}={sockets[name]}" for name, port in _PORTS.items()]
        self._gateway = subprocess.Popen(
            [*self._enter(self._stores), sys.executable, str(_GATEWAY), *routes], stdout=subprocess.PIPE
        )
        assert self._gateway.stdout is not None
        assert self._gateway.stdout.readline() == b"ready\n", "the gateway does not listen"

    def add(self, name: str) -> Host:
        """Make one more host, with a cable of its own to the stores."""
        number = len(self._kept) + 1
        # A user's second namespace is made within the first one, as only there may it be wired.
        inside = ["nsenter", "--target", str(self._stores.pid), "--user", "--preserve-credentials"]
        kept = _Namespace([*(inside if self._as_user else []), "unshare", "--net"])
        self._kept.append(kept)
        near, far = f"10.77.{number}.1", f"10.77.{number}.2"
        cable = f"to-{number}"
        self._in_stores("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(kept.pid))
        self._in_stores("ip", "address", "add", f"{near}/30", "dev", cable)
        self._in_stores("ip", "link", "set", cable, "up")
        prefix = tuple(self._enter(kept))
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{far}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
        ):
            _run([*prefix, "ip", *words])
        return Host(name, prefix, near)

    def cut(self, host: Host) -> None:
        """Take a host's cable out: nothing that it sends arrives, and nobody tells it."""
        self._in_stores("ip", "link", "set", self._cable(host), "down")

    def mend(self, host: Host) -> None:
        """Put a host's cable in again."""
        self._in_stores("ip", "link", "set", self._cable(host), "up")

    def close(self) -> None:
        """End the gateway, and with their keepers all namespaces."""
        self._gateway.kill()
        self._gateway.communicate()
        for kept in (*self._kept, self._stores):
            kept.close()

    @staticmethod
    def _cable(host: Host) -> str:
        return f"to-{host.stores.split('.')[2]}"

    def _enter(self, namespace: _Namespace) -> list[str]:
        users = ["--user", "--preserve-credentials"] if self._as_user else []
        return ["nsenter", "--target", str(namespace.pid), *users, "--net", "--"]

    def _in_stores(self, *command: str) -> None:
        _run([*self._enter(self._stores), *command])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
