"""Derives Celery's options from the settings, for workers and for the command line."""

import os
from typing import Any
from urllib.parse import urlsplit

from config import task_names
from config.queues import CONTROL
from config.settings import Settings

_CELERY_VARIABLES = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND")
_NIGHT_WATCH_SECONDS = 15.0


def celery_options(settings: Settings) -> dict[str, Any]:
    """Return the options, without connecting.

    Celery's own variables are removed from the environment: they override the options, and those of another project
    would send our messages to its broker.
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
        # A full Redis refuses commands; the worker must not end because of that.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            # Deployments in the same Redis database must not restore each other's messages.
            "unacked_key": key("unacked"),
            "unacked_index_key": key("unacked_index"),
            "unacked_mutex_key": key("unacked_mutex"),
            # More than twice the hard time limit, or a running task would be delivered to a second worker.
            "visibility_timeout": int(2 * step_limit + 600),
            # Messages of a lost machine are restored soon after that, instead of up to 73 s later.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            # A connection that is cut silently is noticed within half a minute.
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            # Queues are read in the order in which they are named: work that a host has begun precedes new work.
            "queue_order_strategy": "priority",
            "priority_steps": [0],
            # Plain JSON: with base64 a chain would exceed 2 KB.
            "body_encoding": None,
        },
        # No result is ever read: MongoDB is the record.
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
        # A message is acknowledged when its step has ended. If the process dies, the dispatcher takes the items back;
        # a second delivery would only let the same file kill the next process.
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,
        "task_time_limit": step_limit,
        "task_track_started": False,
        # A restarted Redis is back within seconds; after half a minute the dispatcher sends a lost message again.
        "task_publish_retry_policy": {
            "max_retries": 5,
            "interval_start": 0.1,
            "interval_step": 0.3,
            "interval_max": 1.5,
        },
        "task_send_sent_event": False,
        "worker_prefetch_multiplier": 1,
        # What a worker may hold does not drift: after dozens of lost connections, retries and killed children it is as
        # at first, with this option or without (`tests/chaos/test_prefetch.py`). Only retries that wait for their time
        # are held beyond it, which the option does not change, and the dispatcher's window bounds them.
        "worker_disable_prefetch": False,
        "worker_send_task_events": True,  # Flower needs them
        "event_exchange": key("celeryev"),
        "event_queue_prefix": key("celeryev"),
        "worker_enable_remote_control": False,  # with it, a busy worker exits when Redis restarts
        # Wait briefly for the last result of a dead child; the record has it anyway.
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
"""Seconds between two comparisons of the vectors in Chroma with the record."""

_MAP_WATCH_SECONDS = 10.0
"""Seconds between two questions whether the library has changed since its map was made."""

_TIDY_SECONDS = 300.0
"""Seconds between two searches for old contents and items; a run takes a minute at most."""

_BULK_WATCH_SECONDS = 300.0
"""Seconds between two requests to batch APIs whether a job is done; a job takes minutes to a day."""


def _beat_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    # No task expires, because a worker's clock may be minutes off. The tasks themselves skip a backlog.
    schedule: dict[str, dict[str, Any]] = {
        "dispatch": {"task": task_names.DISPATCH, "schedule": settings.dispatch_seconds},
        "reindex": {"task": task_names.REINDEX, "schedule": _INDEX_WATCH_SECONDS},
        "sound_map": {"task": task_names.SOUND_MAP, "schedule": _MAP_WATCH_SECONDS},
        "tidy": {"task": task_names.TIDY, "schedule": _TIDY_SECONDS},
        # Always scheduled: running jobs are collected even if no new ones may be submitted.
        "bulk": {"task": task_names.BULK, "schedule": _BULK_WATCH_SECONDS},
    }
    if settings.nightly is not None:
        # The task itself checks whether a run is due. So a missed night is caught up, and two beats do no harm.
        schedule["ingest"] = {"task": task_names.INGEST, "schedule": _NIGHT_WATCH_SECONDS}
    return schedule


def broker_url(url: str) -> str:
    """Return a redis-py URL as Celery expects it; only ``unix://`` URLs differ."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = next((pair[3:] for pair in parts.query.split("&") if pair.startswith("db=")), "0")
    # Both forms quote alike, so that name and password are copied unchanged.
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"
