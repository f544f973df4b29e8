"""Gives a command the record, and keeps the private services running while the command uses them."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from config.settings import Settings
from samplemind_worker.errors import ServiceUnavailableError, SetupError, TransientError
from samplemind_worker.local_services import control
from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.services import is_outdated, private_names, with_urls
from samplemind_worker.local_services.users import Users
from samplemind_worker.store import mongo, unfinished

Say = Callable[[str], None]

_SHOWN = 3  # names in a message


@contextmanager
def session(own: Settings, *, workers: bool, temporary: bool = False, say: Say) -> Generator[Settings]:
    """Connect to the record; start the private services if need be, and keep them running while the block runs.

    They start with workers if ``workers`` says so or a batch is open. With ``temporary``, services that this command
    started end with the last command that uses them, once no batch is open. Services of another version of the code
    are replaced, unless a batch is open or another command uses them.

    Raises
    ------
    SetupError, ServiceUnavailableError
        If the services cannot be started, or the record cannot be reached.
    """
    if not private_names(own):
        _connect(own, create_indexes=workers)
        try:
            yield own
        finally:
            mongo.close()
        return
    home = Home(own.home)
    home.make_folders()
    with Users(home, say=say) as users:
        users.join()
        was_running = home.holder() is not None
        connected = False
        tell: Say = say if temporary else lambda _: None
        try:
            settings = _open(own, home, users, workers=workers, temporary=temporary, say=say)
            connected = True
            yield settings
        finally:
            try:
                _leave(own, home, users, stop=_is_idle if connected else lambda: not was_running, say=tell)
            finally:
                mongo.close()


def _leave(own: Settings, home: Home, users: Users, *, stop: Callable[[], bool], say: Say) -> None:
    """Stop services that are temporary if ``stop`` says so and no other command uses them; ``say`` is told why not."""
    if not home.temporary.exists():
        return
    if not users.alone():
        say("the private services stay up while another command uses them")
    elif stop():
        control.stop(own)
    else:
        say("the private services stay up, as a batch is open; `samplemind down` stops them")


def end(own: Settings, *, force: bool, say: Say) -> bool:
    """Stop the private services; False if none ran. An open batch goes on when they are started again.

    Raises
    ------
    SetupError
        If another command uses them and ``force`` is not given, or they do not end.
    """
    home = Home(own.home)
    if not home.run.is_dir():
        return False
    with Users(home, say=say) as users:
        while not users.alone() and not force:
            if not users.is_stopping():
                raise SetupError(
                    f"the private services are used by {_listed(users.others() or ['another command'])}: end that "
                    "first, or stop them all the same with `samplemind down --force`"
                )
            users.wait_for_stop()
        open_batches = _open_batches(own)
        from samplemind_worker.local_services.supervisor import clear  # noqa: PLC0415 -- slow import

        home.web.unlink(missing_ok=True)
        # A killed supervisor could not remove its sockets and its workers' signals.
        stopped = control.stop(own) or clear(own)
        if open_batches:
            has, goes = ("has", "goes") if len(open_batches) == 1 else ("have", "go")
            say(f"{_listed(open_batches)} {has} not ended, and {goes} on at the next `samplemind up`")
        return stopped


def recover(own: Settings, *, say: Say) -> bool:
    """Start the private services anew, with workers, if their supervisor was killed, otherwise return False.

    Raises
    ------
    ServiceUnavailableError
        If they were stopped by a command.
    """
    home = Home(own.home)
    if not private_names(own) or home.holder() is not None:
        return False
    if home.read_state().supervisor is None:
        raise ServiceUnavailableError("the private services were stopped")
    say("the private services have died, and are started again")
    before = with_urls(own, home.read_state())
    settings = control.ensure_running(own, workers=True, on_wait=say)
    # An open connection finds the new server by itself, unless that has another address.
    if settings.mongodb_url != before.mongodb_url:
        mongo.close()
        _connect(settings, create_indexes=False)
    return True


def _open(own: Settings, home: Home, users: Users, *, workers: bool, temporary: bool, say: Say) -> Settings:
    def start() -> Settings:
        settings = control.ensure_running(own, workers=workers, temporary=temporary, on_wait=say)
        _connect(settings, create_indexes=workers)
        return settings

    settings = start()
    if is_outdated(home.read_state()):
        if not _is_idle():
            say("the private services run an older version of samplemind until the open batch has ended")
        elif users.alone():
            say("the private services run another version of samplemind, and are started anew")
            mongo.close()
            control.stop(own)
            users.join()
            settings = start()
        else:
            users.join()
            say("the private services run another version of samplemind while other commands use them")
    if not workers and not home.read_state().workers and unfinished.at_work():
        say("a batch is open: its workers are started")
        settings = control.ensure_running(own, workers=True, on_wait=say)
    if workers and not temporary:
        home.temporary.unlink(missing_ok=True)
    return settings


def _connect(settings: Settings, *, create_indexes: bool) -> None:
    if settings.mongodb_url is None:
        raise SetupError("no MongoDB: set SAMPLEMIND_MONGODB_URL")
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database, create_indexes=create_indexes)


def _is_idle() -> bool:
    """Whether the record answers and knows of no batch for which workers are needed."""
    try:
        return not unfinished.at_work()
    except TransientError:
        return False


def _open_batches(own: Settings) -> list[str]:
    """Name the open batches of services that run and answer."""
    settings = control.connected(own)
    if settings is None:
        return []
    with suppress(TransientError, SetupError):
        _connect(settings, create_indexes=False)
        try:
            return [f"batch {batch_id}" for batch_id in unfinished.at_work()]
        finally:
            mongo.close()
    return []


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
