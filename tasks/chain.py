"""Builds the chain of a parcel from task names; only the parcel's id travels in it."""

from typing import Any

from celery import Celery, chain, current_app
from kombu import Queue

from config import task_names as names
from samplemind_worker.documents.batch import Step
from samplemind_worker.tracing import spans


def publish(parcel_id: str, first: Step, queue: str, *, app: Celery | None = None) -> None:
    """Put the chain of a parcel, beginning with a step, into a queue."""
    app = app or current_app
    if queue not in app.amqp.queues:
        app.amqp.queues.add(Queue(queue))  # the queue of a root: no machine needs to know the roots of all others
    steps = names.CHAIN[names.CHAIN.index(names.of_step(first)) :]
    # No reply is read: an empty address saves the 36 bytes that each step would carry otherwise.
    signatures: list[Any] = [
        app.signature(name, args=(parcel_id,), immutable=True, options={"reply_to": ""}) for name in steps
    ]
    signatures[0].set(queue=queue)
    chain(*signatures, app=app).apply_async()
    spans.begin(parcel_id, {"samplemind.step": first.value})
