"""Builds the chain of a parcel from task names; only the parcel's id travels in it."""

from typing import Any

from celery import Celery, chain, current_app

from samplemind_worker.documents.batch import Step
from tasks import names


def publish(parcel_id: str, first: Step, *, app: Celery | None = None) -> None:
    """Queue the chain of a parcel, beginning with a step."""
    app = app or current_app
    steps = names.CHAIN[names.CHAIN.index(f"samplemind.{first.value}") :]
    # Nobody waits for a reply: an empty address saves the 36 bytes that each step would carry otherwise.
    signatures: list[Any] = [
        app.signature(name, args=(parcel_id,), immutable=True, options={"reply_to": ""}) for name in steps
    ]
    chain(*signatures, app=app).apply_async()
