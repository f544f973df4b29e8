"""One stack of services for all that is hostile, in a neighbourhood whose listing must not change."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from samplemind_worker.local_services import stop
from tests.hostile import sounds
from tests.hostile.stage import HostileCommand, listing, start
from training import signals

SENTINELS = ("escaped.wav", "passwd", "owned", "home.txt", "library/a.wav", "refused/a.wav", ".bashrc")


@dataclass(frozen=True)
class Town:
    """A folder with the home of the services, an inbox, what strangers sent, and what belongs to others."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def strangers(self) -> Path:
        return self.folder / "strangers"

    def neighbours(self) -> dict[str, tuple[int, ...]]:
        """What is neither ours to write nor a stranger's."""
        return listing(self.folder, without=[self.home, self.inbox])


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    """A town whose neighbours are untouched when all is over."""
    with tempfile.TemporaryDirectory(prefix="samplemind-test-") as folder:
        made = Town(Path(folder).resolve())
        for name in SENTINELS:
            path = made.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"mine")
        made.strangers.mkdir()
        made.inbox.mkdir()
        yield made


@pytest.fixture(scope="session")
def samplemind(town: Town) -> Iterator[HostileCommand]:
    """The command, and services that have started."""
    command = HostileCommand(
        town.home,
        SAMPLEMIND_DISPATCH_SECONDS="1",
        SAMPLEMIND_LEASE_SECONDS="10",
        SAMPLEMIND_INBOX_SETTLE_SECONDS="0",
        SAMPLEMIND_CONCURRENCY="2",
    )
    start(command)
    yield command
    stop(command.settings())


def unlike(seed: int) -> bytes:
    """A short sound, another one for each seed."""
    return sounds.encode("WAV", signals.kick(0.1, seed=seed) * (0.5 + seed % 97 / 200))


@pytest.fixture(scope="session")
def files(town: Town) -> dict[str, sounds.Answer]:
    """Write every kind of bad file; the names below the strangers' folder, and what is said of them."""
    answers: dict[str, sounds.Answer] = {}
    for kind, group in sounds.GROUPS.items():
        (town.strangers / kind).mkdir()
        for name, (make, answer) in group.items():
            make(town.strangers / kind / name)
            answers[f"{kind}/{name}"] = answer
    return answers


@pytest.fixture(scope="session")
def names(town: Town) -> dict[bytes, str]:
    """Write sounds whose names are the danger, and things that are no files; what is said of each."""
    folder = os.fsencode(town.strangers / "names")
    os.mkdir(folder)  # noqa: PTH102 -- bytes
    for seed, name in enumerate(sounds.NAMES):
        with open(os.path.join(folder, name), "wb") as file:  # noqa: PTH118, PTH123 -- bytes
            file.write(unlike(seed))
    sounds.make_specials(town.strangers / "names")
    return sounds.NAMES | sounds.SPECIALS
