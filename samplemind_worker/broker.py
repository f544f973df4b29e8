"""The queue's transport: kombu's transport for Redis, with fixes for two faults that stop a worker.

kombu assumes that every entry of its lists is a message of its own. Any other entry ends the worker, once per restart.
Here such an entry is dropped and logged. No work is lost, because the record knows what is to be done.

If Redis is away when a message is acknowledged, kombu keeps counting the message as unacknowledged. Once that has
happened as often as the prefetch limit, the worker runs but takes no more messages. Here the message stops counting. A
redelivery does no harm, because the state of its items does not match any more.
"""

from datetime import datetime
from typing import Any

import orjson
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.transport import redis as kombu_redis
from loguru import logger
from redis import Redis

_PARTS = (list, dict, dict)  # of a body: positional arguments, keyword arguments, callbacks


def is_message(item: bytes) -> bool:
    """Return whether an entry of a queue is a message that kombu and Celery can read."""
    try:
        message = orjson.loads(item)  # rejects deep nesting, where json raises RecursionError
        headers, properties, body = message["headers"], message["properties"], orjson.loads(message["body"])
        info, limits = properties["delivery_info"], headers.get("timelimit")
        texts = (headers["task"], headers["id"], properties["delivery_tag"], info["exchange"], info["routing_key"])
        return (
            all(isinstance(text, str) for text in texts)
            and (message["content-type"], message["content-encoding"]) == ("application/json", "utf-8")
            and properties.get("body_encoding") is None
            and isinstance(headers.get("retries", 0), int)
            and (limits is None or (isinstance(limits, list) and len(limits) == len(("soft", "hard"))))
            and all(_is_time(headers.get(name)) for name in ("eta", "expires"))
            and len(body) == len(_PARTS)
            and all(isinstance(part, kind) for part, kind in zip(body, _PARTS, strict=True))
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def _is_time(value: object) -> bool:
    return value is None or (isinstance(value, str) and bool(datetime.fromisoformat(value)))


class Client(Redis):
    """A Redis client that reports an empty queue in place of an invalid message."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        """Read a reply; a queue entry that is no message is dropped."""
        reply = super().parse_response(connection, command_name, **options)
        if command_name == "BRPOP" and reply and not is_message(reply[1]):
            logger.warning("queue.rubbish_dropped", fields={"queue": reply[0].decode(), "bytes": len(reply[1])})
            return None
        return reply


class QoS(kombu_redis.QoS):
    """The unacknowledged messages."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message, and stop counting it even if Redis is away."""
        try:
            super().ack(delivery_tag)
        except kombu_redis.Transport.connection_errors:
            virtual.QoS.ack(self, delivery_tag)
            raise


class Channel(kombu_redis.Channel):
    """A channel that reads its queues through `Client`."""

    QoS = QoS

    def _get_client(self) -> type[Redis]:
        return Client


class Transport(kombu_redis.Transport):
    """kombu's transport with our channels."""

    Channel = Channel


def install() -> None:
    """Use the transport for all connections of this process, by alias, because the URL of a unix socket names it."""
    for name in ("redis", "rediss"):
        TRANSPORT_ALIASES[name] = "samplemind_worker.broker:Transport"
