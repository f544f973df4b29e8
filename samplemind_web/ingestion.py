"""Takes in the packs of the inbox when somebody asks for it: one run at a time, in a thread of its own.

The lease in the record keeps runs of other processes (`samplemind ingest`, the nightly run) away meanwhile. A run that
ends with the server is finished by the next one.
"""

import threading
from typing import Final

from loguru import logger

from config.settings import Settings
from samplemind_web.recording import queue
from samplemind_worker.errors import SampleMindError
from samplemind_worker.packs import ingest, nights

_LOOK: Final = 1.0  # s between two looks whether another process still takes in packs
_GRACE: Final = 3.0  # s that a run may go on when the server ends


class _StoppedError(Exception):
    """The server ends."""


class Ingestion:
    """The run of this server, if there is one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._wanted = False
        self._doing: str | None = None
        self._error: str | None = None

    @property
    def doing(self) -> str | None:
        """What the run does now, in one sentence; None if there is none."""
        return self._doing

    @property
    def error(self) -> str | None:
        """Why the last run broke off; None if it did not."""
        return self._error

    def start(self) -> bool:
        """Take in what lies in the inbox; return False if a run is under way, which then looks once more."""
        with self._lock:
            self._wanted = True
            if self._thread is not None:
                return False
            self._doing, self._error = "begins", None
            # The server must not wait for it: an archive may take minutes.
            self._thread = threading.Thread(target=self._run, name="web-ingestion", daemon=True)
            self._thread.start()
            return True

    def close(self) -> None:
        """Let a run end within a moment; after that it is given up."""
        self._stopping.set()
        if (thread := self._thread) is not None:
            thread.join(_GRACE)

    def _run(self) -> None:
        while self._is_wanted():
            try:
                self._take_in()
            except _StoppedError:
                logger.warning("ingestion_given_up")
            except SampleMindError as error:
                self._error = str(error)
                logger.warning("ingestion_broken_off", fields={"error": str(error)})
            except Exception:  # noqa: BLE001 -- the edge of a thread: nobody else would hear of it
                self._error = "an error that nobody expected; the log of the server has it"
                logger.opt(exception=True).error("ingestion_failed")

    def _is_wanted(self) -> bool:
        """Return whether to look into the inbox once more; if not, the run has ended."""
        with self._lock:
            wanted, self._wanted = self._wanted and not self._stopping.is_set(), False
            if not wanted:
                self._thread, self._doing = None, None
            return wanted

    def _take_in(self) -> None:
        settle = self._settings.inbox_settle_seconds
        self._doing = f"waits until no pack in the inbox has changed for {settle:g} s"
        while (report := ingest.ingest(self._settings, wait_for_turn=False, say=self._say)) is None:
            self._doing = "waits for the end of another run"
            if self._stopping.wait(_LOOK):
                raise _StoppedError
        if report.outcomes:
            nights.keep(report, self._settings)
        if report.batches:
            queue(self._settings, report.batches[0])

    def _say(self, message: str) -> None:
        # It is said of each pack before the run touches it.
        if self._stopping.is_set():
            raise _StoppedError
        self._doing = message
