"""Queues recorded items from outside of a worker: the command line uses it."""

from celery import Celery
from kombu.exceptions import OperationalError

from config.celery_options import celery_options
from config.settings import Settings
from samplemind_worker.documents.batch import Step
from samplemind_worker.errors import ServiceUnavailableError, SetupError
from samplemind_worker.store.cache import Board
from samplemind_worker.submission.dispatch import refill
from samplemind_worker.tracing import sending, spans
from tasks import wire
from tasks.chain import publish


def dispatch(settings: Settings) -> int:
    """Fill the window, and return how many parcels were queued.

    Raises
    ------
    ServiceUnavailableError
        If Redis does not answer; the batch stays recorded, and beat queues it later.
    SetupError
        If no Redis is set.
    """
    if settings.redis_url is None:
        raise SetupError("SAMPLEMIND_REDIS_URL is not set")
    if not spans.is_on():  # the first span of a parcel is that of its dispatch
        sending.turn_on(settings, "submit")
    wire.install()
    app = Celery("samplemind", set_as_current=False)
    app.conf.update(celery_options(settings))
    board = Board(settings.redis_url.get_secret_value(), settings.database)

    def _publish(parcel_id: str, first: Step, queue: str) -> None:
        try:
            publish(parcel_id, first, queue, app=app)
        except (OperationalError, *app.connection_for_write().connection_errors) as error:
            raise ServiceUnavailableError(f"Redis does not answer: {error}") from error

    try:
        return refill(settings, board, _publish)
    finally:
        board.close()
        app.close()
        spans.flush()
