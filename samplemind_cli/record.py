"""Opens the record for a command. It loads little, so that a command which only reads answers quickly."""

from collections.abc import Generator
from contextlib import contextmanager

from config.settings import Settings, get_settings
from samplemind_cli.output import note
from samplemind_worker.local_services.session import session


@contextmanager
def open_record(*, for_work: bool = False, stop_after: bool = False) -> Generator[Settings]:
    """Connect to the record, and start the private services if no URL is set; with workers if there is work.

    With ``stop_after``, services that are started here end with the last command that uses them, also when
    interrupted, once no batch is open.

    Raises
    ------
    SetupError, ServiceUnavailableError
        If they cannot be started or reached.
    """
    with session(get_settings(), workers=for_work, temporary=stop_after, say=note) as settings:
        yield settings
