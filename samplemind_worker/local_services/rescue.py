"""What the supervisor tries when a server does not start with its data.

A server whose data the record replaces starts empty. mongod, which holds the record, repairs its data after a copy of
them was made. Each is tried once; if it does not help, the data are put back as they were.
"""

import signal
from collections.abc import Sequence
from pathlib import Path

from loguru import logger

from samplemind_worker.errors import SetupError
from samplemind_worker.local_services import damage
from samplemind_worker.local_services.services import Service

_NOT_THE_DATA = (0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)
"""Exit codes of a server that was ended from outside."""
_MONGOD_NOT_THE_DATA = (2, 48, 62)
"""mongod's exit codes for wrong options, an address in use, and data of another version.

https://www.mongodb.com/docs/manual/reference/exit-codes/
"""


class Rescue:
    """The tries to start one server in spite of damaged data."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._data = service.cwd  # a server works in its data folder
        self._aside: Path | None = None
        self._tried = False
        self._put_back = False
        self.repairing = False

    @property
    def argv(self) -> Sequence[str]:
        """The command to start now: the server, or the repair of its data."""
        return self._service.repair if self.repairing else self._service.argv

    def after_end(self, code: int, *, was_ready: bool) -> bool:
        """Decide what the end of a process means; True if the next one is to start at once."""
        if self.repairing and code == 0:
            self.repairing = False
            logger.warning("data_repaired", fields={"service": self._service.name, "copy": str(self._aside)})
            return True
        if was_ready:
            return False
        if self.repairing or self._aside is not None:
            self._give_up()
            return False
        if self._tried or code in _NOT_THE_DATA:
            return False
        self._tried = True
        if self._service.expendable:
            return self._start_empty()
        self.repairing = bool(self._service.repair) and code not in _MONGOD_NOT_THE_DATA and any(self._data.iterdir())
        return self.repairing

    def copy_before_repair(self) -> None:
        """Copy the data that a repair is about to change.

        Raises
        ------
        SetupError
            If the copy cannot be made.
        """
        try:
            self._aside = damage.copy_aside(self._data)
        except OSError as error:
            self.repairing = False
            raise SetupError(
                f"the data of {self._service.name} are damaged, and cannot be copied before a repair "
                f"({error.strerror or 'the disk is full'}): free space on the disk of {self._data}"
            ) from error
        logger.warning("repair_started", fields={"service": self._service.name, "copied_to": str(self._aside)})

    def succeeded(self) -> None:
        """Note that the server answers. A copy of the record stays; of other data only the latest is kept."""
        if self._service.expendable and self._aside is not None:
            damage.keep_only(self._data, self._aside)
        self._aside, self._tried = None, False

    def interrupt(self) -> None:
        """Put the data back if the server is stopped during a repair."""
        if self.repairing:
            self._give_up()

    @property
    def advice(self) -> str:
        """What a message says of data that could not be repaired; empty if no repair was tried."""
        if self._service.expendable or not self._put_back:
            return ""
        return (
            f"`mongod --repair` did not help, and {self._data} was left as it was: restore a backup of it, or move it "
            "away to begin an empty record; "
        )

    def _start_empty(self) -> bool:
        self._aside = damage.set_aside(self._data)
        if self._aside is not None:
            logger.warning("data_set_aside", fields={"service": self._service.name, "moved_to": str(self._aside)})
        return self._aside is not None

    def _give_up(self) -> None:
        self.repairing = False
        if self._aside is not None:
            damage.put_back(self._data, self._aside)
            self._aside = None
            self._put_back = True
