"""Finds what stops a batch: a queue without a worker, a root that no worker reaches, a store that is broken."""

from collections.abc import Iterator
from typing import Final

from config.locations import is_named
from config.queues import CONTROL, IO, ROLE_TO_START, Queues, kind_of_step
from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, Step
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import IndexMissingError, InternalError, ServiceUnavailableError, SetupError
from samplemind_worker.store import library, waiting
from samplemind_worker.store.cache import Board
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.submission.readers import Readers

_SECONDS: Final = 5.0  # s for one request to Chroma

NO_WORKERS: Final = "no worker gives a sign of life: start one (`samplemind up --detach`, `samplemind worker`)"


def obstacles(settings: Settings, job: BatchJob) -> list[str]:
    """Return a sentence about each obstacle; none if the batch goes on, or is only slow.

    Raises
    ------
    ServiceUnavailableError
        If the record does not answer.
    """
    if job.paused_at is not None:
        return [f"it is paused; `samplemind resume {job.id}` lets it go on"]
    if settings.redis_url is None:
        return []
    board = Board(settings.redis_url.get_secret_value(), settings.database)
    try:
        signs, lacks, complaints = board.workers(), board.lacks(), board.complaints()
    except ServiceUnavailableError as error:
        return [str(error), *_broken_chroma(settings)]
    finally:
        board.close()
    broken = list(_broken_chroma(settings))
    if not signs:
        return [NO_WORKERS, *broken]
    readers = Readers(settings.queues, signs, lacks)
    found = [*_unread(settings.queues, readers, job), *_unreached(settings, readers, job), *broken]
    # A worker's complaint about Chroma repeats what was found here.
    found += [f"{host} says: {text}" for host, text in sorted(complaints) if not (broken and text.startswith("Chroma"))]
    return found


def _unread(queues: Queues, readers: Readers, job: BatchJob) -> Iterator[str]:
    """Yield a sentence for each role whose queues the batch waits for, and no worker reads."""
    kinds = {CONTROL}
    for step, queue in waiting.waits_for(job.id):
        kinds.add(IO if queue == queues.of(IO) else kind_of_step(step))
    for role in sorted({ROLE_TO_START[kind] for kind in kinds if not {kind, queues.of(kind)} & readers.read}):
        yield (
            f"no {role} worker takes work; unless one is starting, start it (`samplemind up --detach`, "
            f"`samplemind worker --queues {role}`), and `samplemind doctor` may say why it ends"
        )


def _unreached(settings: Settings, readers: Readers, job: BatchJob) -> Iterator[str]:
    for root in sorted(waiting.roots_to_read(job)):
        if readers.queue(Step.DECODE, root) is None:
            what = f"the root {root}" if is_named(root) else f"the folder {root}"
            if library.is_object(root, settings.roots):
                yield f"nobody reaches the bucket of {root}: its files wait until a cpu worker is let in there"
            else:
                yield f"nobody reaches {what}: its files wait until a cpu worker finds them there (is it mounted?)"


def _broken_chroma(settings: Settings) -> Iterator[str]:
    if settings.chroma_url is None:
        return
    try:
        url = settings.chroma_url.get_secret_value()
        with Vectors(url, database=settings.database, version=VERSIONS["store"], seconds=_SECONDS) as vectors:
            vectors.count()  # opens the index, like every search and every write
    except IndexMissingError:
        return  # no vector was stored yet
    except (ServiceUnavailableError, SetupError, InternalError) as error:
        yield f"{error}; `samplemind doctor` says how to mend it"
