"""Settings to a dict of Celery options, for the workers and the CLI alike. Why each is what it is stands beside it."""

import os
from typing import Any
from urllib.parse import urlsplit

from config import task_names
from config.queues import CONTROL
from config.settings import Settings

_CELERY_VARIABLES = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND")
_NIGHT_WATCH_SECONDS = 15.0


def celery_options(settings: Settings) -> dict[str, Any]:
    """Return the options; connects to nothing.

    Takes Celery's own variables out of the environment: they would win over the options, and those of another project
    would have our messages go to its broker.
    """
    for name in _CELERY_VARIABLES:
        os.environ.pop(name, None)
    url = "" if settings.redis_url is None else settings.redis_url.get_secret_value()
    step_limit = settings.step_seconds
    queues = settings.queues
    key = queues.of
    return {
        "broker_url": broker_url(url),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A Redis that is full refuses commands, which is no reason to end.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            # Another deployment in the same Redis database has its own messages in hand.
            "unacked_key": key("unacked"),
            "unacked_index_key": key("unacked_index"),
            "unacked_mutex_key": key("unacked_mutex"),
            # Over twice the hard limit, or a running task is delivered to a second worker.
            "visibility_timeout": int(2 * step_limit + 600),
            # A message of a lost machine comes back soon after that, not 73 s later.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            # A silently cut connection is noticed in half a minute.
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            # Queues are read in the order they are named: what a host has begun goes before what is new.
            "queue_order_strategy": "priority",
            "priority_steps": [0],
            # The JSON body as it is: base64 would take a chain over 2 KB.
            "body_encoding": None,
        },
        # No result is ever read: the record is MongoDB.
        "result_backend": None,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "task_routes": queues.routes(),
        "task_create_missing_queues": False,
        "task_default_queue": key(CONTROL),
        "task_queues": {name: {} for name in queues.declared},
        # A parcel is acknowledged when it has ended. If its process dies the record takes the items back, and
        # delivering the message again would only let the same file kill the next process.
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,
        "task_time_limit": step_limit,
        "task_track_started": False,
        # A Redis that is started again is back in seconds; a message that was not sent is missed half a minute later.
        "task_publish_retry_policy": {
            "max_retries": 5,
            "interval_start": 0.1,
            "interval_step": 0.3,
            "interval_max": 1.5,
        },
        "task_send_sent_event": False,
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,  # Flower lives on them
        "event_exchange": key("celeryev"),
        "event_queue_prefix": key("celeryev"),
        "worker_enable_remote_control": False,  # with it, a busy worker exits when Redis restarts
        # What a dead child may still have said; the record knows it anyway.
        "worker_lost_wait": 1.0,
        "worker_max_tasks_per_child": 2000,
        "worker_max_memory_per_child": 1_500_000,  # KiB
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_proc_alive_timeout": 60.0,
        "enable_utc": True,
        "timezone": "UTC",
        "beat_schedule": _beat_schedule(settings),
        "beat_max_loop_interval": max(1, int(settings.dispatch_seconds)),
    }


_INDEX_WATCH_SECONDS = 30.0
"""How often the vectors in Chroma are compared with the record."""

_TIDY_SECONDS = 300.0
"""How often what nobody misses any more is looked for; a run takes a minute at most."""

_BULK_WATCH_SECONDS = 300.0
"""How often batch APIs are asked whether they are done, which takes them minutes to a day."""


def _beat_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    # None expires: the clock of the worker that takes it may be minutes off. A backlog is skipped.
    schedule: dict[str, dict[str, Any]] = {
        "dispatch": {"task": task_names.DISPATCH, "schedule": settings.dispatch_seconds},
        "reindex": {"task": task_names.REINDEX, "schedule": _INDEX_WATCH_SECONDS},
        "tidy": {"task": task_names.TIDY, "schedule": _TIDY_SECONDS},
        # Always: jobs that are under way are collected though no more of them is wished for.
        "bulk": {"task": task_names.BULK, "schedule": _BULK_WATCH_SECONDS},
    }
    if settings.nightly is not None:
        # The task itself knows whether a night is due: so one that was missed is caught up, and two beats do no harm.
        schedule["ingest"] = {"task": task_names.INGEST, "schedule": _NIGHT_WATCH_SECONDS}
    return schedule


def broker_url(url: str) -> str:
    """Return a redis-py URL as Celery takes it: only ``unix://`` is spelled another way."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = next((pair[3:] for pair in parts.query.split("&") if pair.startswith("db=")), "0")
    # Both spellings quote alike: name and password are taken over as they stand.
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"
