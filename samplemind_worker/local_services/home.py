"""The folder of the private services: its layout, its lock, and the file that says what runs.

::

    HOME/
    ├── run/    lock, users, temporary, web, services.json, failure, and the sockets unless their paths are too long
    ├── logs/   one file per service, and supervisor.log
    └── data/   valkey, mongod, chroma

Only its owner can read anything below HOME. The supervisor holds the lock while it lives, so a process that can take
the lock knows that no supervisor is running, whatever the files say.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

from pydantic import BaseModel, ValidationError

from samplemind_worker.errors import SetupError

MIN_FREE_BYTES = 400 * 2**20
"""mongod allocates 200 MB for two journal files before it stores any data."""

# A socket path must fit in sun_path with its closing zero: 108 bytes on Linux, 104 on macOS.
MAX_SOCKET_PATH = 103
_LONGEST_SOCKET = "mongodb-0.sock"


class Running(BaseModel):
    """One child of the supervisor."""

    pid: int
    created: float
    ready: bool = False
    restarts: int = 0


class State(BaseModel):
    """The state that the supervisor writes to ``services.json``."""

    supervisor: int | None = None
    version: str = ""
    code: str = ""
    """Digest of the code that it runs (``services.code_digest``)."""
    given: str = ""
    """Digest of the settings that commands and workers must agree on (``services.given_digest``)."""
    models: str = ""
    """Digest of its workers' settings for models (``services.models_digest``)."""
    workers: bool = False
    web_port: int = 0
    """Port of its web server; 0 if it has none."""
    stopping: bool = False
    sockets: str = ""
    repairing: list[str] = []
    """The services whose damaged data are being repaired."""
    services: dict[str, Running] = {}


class Home:
    """Paths below ``SAMPLEMIND_HOME``; making one touches nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run = root / "run"
        self.logs = root / "logs"
        self.data = root / "data"

    def make_folders(self) -> None:
        """Make the folders; raise SetupError if they cannot be written."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.run, self.logs, self.data):
                folder.mkdir(mode=0o700, exist_ok=True)
                folder.chmod(0o700)
            with tempfile.TemporaryFile(dir=self.run):
                pass
        except OSError as error:
            raise SetupError(
                f"{self.root} cannot be written ({error.strerror}): set SAMPLEMIND_HOME to a folder of yours"
            ) from error

    def prepare(self, *, need_bytes: int = MIN_FREE_BYTES) -> None:
        """Make the folders; raise SetupError if they cannot be written or the disk is full."""
        self.make_folders()
        free = shutil.disk_usage(self.root).free
        if free < need_bytes:
            raise SetupError(
                f"{self.root} has {free // 2**20} MB free, the private services need {need_bytes // 2**20} MB: "
                "free some space, or set SAMPLEMIND_HOME to another disk"
            )

    def log(self, name: str) -> Path:
        """Return the log file of a service."""
        return self.logs / f"{name}.log"

    def data_folder(self, name: str) -> Path:
        """Make and return the data folder of a service."""
        folder = self.data / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @property
    def users(self) -> Path:
        """The lock that is shared by the commands that use the services."""
        return self.run / "users"

    @property
    def temporary(self) -> Path:
        """A mark: while it exists, the services end with the last command that uses them, once no batch is open."""
        return self.run / "temporary"

    @property
    def web(self) -> Path:
        """A mark: while it exists, the supervisor runs the web server, too; `samplemind down` removes it."""
        return self.run / "web"

    @property
    def failure(self) -> Path:
        """The file that says why the last supervisor could not start."""
        return self.run / "failure"

    def read_state(self) -> State:
        """Return the last state that the supervisor wrote; an empty one if there is none or it is incomplete."""
        try:
            return State.model_validate_json((self.run / "services.json").read_bytes())
        except (OSError, ValidationError):
            return State()

    def write_state(self, state: State) -> None:
        """Replace ``services.json`` in one step, so that no reader sees half of it."""
        draft = self.run / "services.json.new"
        draft.write_text(state.model_dump_json(indent=1), encoding="utf-8")
        draft.replace(self.run / "services.json")

    def take_lock(self, *, seconds: float = 1.0) -> int | None:
        """Take the supervisor's lock; return its descriptor, or None if another supervisor lives.

        It retries for some ``seconds`` while other processes only look (``holder``). It does not wait for a supervisor
        to end: the services would start again when they have just been stopped.
        """
        descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + seconds
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if not _try_lock(descriptor, fcntl.LOCK_SH) or time.monotonic() > deadline:
                os.close(descriptor)
                return None
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        return descriptor

    def holder(self) -> int | None:
        """Return the process id of the running supervisor, None if there is none."""
        try:
            descriptor = os.open(self.run / "lock", os.O_RDONLY)
        except OSError:
            return None
        try:
            if _try_lock(descriptor, fcntl.LOCK_SH):
                return None
            text = os.read(descriptor, 32)
            # Between taking the lock and writing to it the file is empty, or holds what a power cut left.
            return int(text) if text.isdigit() else None
        finally:
            os.close(descriptor)

    @property
    def socket_place(self) -> Path:
        """The folder for unix sockets: ``run``, or another one if that path is too long for a socket."""
        # mongod splits its bind address at commas.
        if len(os.fsencode(self.run / _LONGEST_SOCKET)) <= MAX_SOCKET_PATH and "," not in str(self.run):
            return self.run
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        # Not XDG_RUNTIME_DIR: it is emptied at logout, while a detached supervisor lives on.
        folder = Path(tempfile.gettempdir()) / f"samplemind-{digest}"
        if len(os.fsencode(folder / _LONGEST_SOCKET)) > MAX_SOCKET_PATH:
            raise SetupError(f"{folder} is too long for sockets: set SAMPLEMIND_HOME or TMPDIR to a shorter path")
        return folder

    def socket_folder(self) -> Path:
        """Make and return the folder for unix sockets; raise SetupError if other users may write to it."""
        folder = self.socket_place
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise SetupError(f"{folder} is not a private folder of yours: remove it, or set TMPDIR to another folder")
        return folder


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
