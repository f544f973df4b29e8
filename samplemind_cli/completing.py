"""What the shell offers for a value that begins like this: batches, keys, instruments, kinds and tags.

Whatever goes wrong, nothing is offered: a message would be written into the line that the user types. No service is
started for it.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress

from samplemind_worker.text import plural

_BATCHES = 20
_TAGS = 50


def batches(incomplete: str) -> list[tuple[str, str]]:
    """Offer the newest batches, each with its state."""
    from samplemind_cli import client  # noqa: PLC0415 -- slow import

    found: list[tuple[str, str]] = [("last", "the newest batch")]
    with suppress(Exception), _record() as is_open:
        reports = client.recent_reports(_BATCHES) if is_open else ()
        found += [(each["batch_id"], f"{each['status']}, {plural(each['total_files'], 'file')}") for each in reports]
    return [each for each in found if each[0].startswith(incomplete)]


def tags(incomplete: str) -> list[str]:
    """Offer the tags that people have set on most files."""
    with suppress(Exception), _record() as is_open:
        from samplemind_worker.finding import marks  # noqa: PLC0415 -- slow import

        names = [name for name, _ in marks.tag_counts(limit=_TAGS)] if is_open else []
        return list(_starting(names, incomplete))
    return []


def keys(incomplete: str) -> list[str]:
    """Offer keys, as Am and as A minor, and Camelot codes."""
    from samplemind_worker.pitches import PITCH_CLASSES, camelot  # noqa: PLC0415 -- slow import

    modes = [(tonic, mode) for tonic in range(12) for mode in ("minor", "major")]
    short = [PITCH_CLASSES[tonic] + ("m" if mode == "minor" else "") for tonic, mode in modes]
    long = [f"{PITCH_CLASSES[tonic]} {mode}" for tonic, mode in modes] if " " in incomplete else []
    codes = sorted((camelot(*each) for each in modes), key=lambda code: (int(code[:-1]), code)) if incomplete else []
    return list(_starting([*short, *long, *codes], incomplete))


def instruments(incomplete: str) -> list[str]:
    """Offer instruments; after a comma, a further one."""
    from samplemind_worker.documents.facts import INSTRUMENTS  # noqa: PLC0415 -- slow import

    return _after_comma(INSTRUMENTS, incomplete)


def kinds(incomplete: str) -> list[str]:
    """Offer kinds of sounds; after a comma, a further one."""
    from samplemind_worker.documents.facts import KINDS  # noqa: PLC0415 -- slow import

    return _after_comma(KINDS, incomplete)


OF_FILTERS: dict[str, Callable[[str], Iterable[object]]] = {
    "batch": batches,
    "tag": tags,
    "key": keys,
    "instrument": instruments,
    "kind": kinds,
}
"""What is offered for each filter that is completed."""


def _after_comma(names: Iterable[str], incomplete: str) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _starting(names, last)]


def _starting(names: Iterable[str], incomplete: str) -> Iterator[str]:
    """Yield the names that begin like what is typed, in capitals or not; what is typed stays, as shells compare it."""
    begun = incomplete.casefold()
    return (incomplete + name[len(incomplete) :] for name in names if name.casefold().startswith(begun))


@contextmanager
def _record() -> Generator[bool]:
    """Connect to the record if its services run already; False if they do not."""
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import control  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.services import private_names  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import mongo  # noqa: PLC0415 -- slow import

    own = get_settings()
    settings = control.connected(own) if private_names(own) else own
    if settings is None or settings.mongodb_url is None:
        yield False
        return
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database, create_indexes=False)
    try:
        yield True
    finally:
        mongo.close()
