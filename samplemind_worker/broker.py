"""The queue's transport: kombu's own for Redis, with two faults mended that stop a worker.

kombu takes for granted that whatever lies in its lists was written by kombu; anything else ends the worker, one body a
restart. Here such a body is dropped with a line in the log: nothing of ours is ever in it, as the record knows what is
to be done.

An acknowledgement that Redis does not take, as it is away for a moment, goes on counting as a message in hand: after as
many of them as may be prefetched the worker lives, and never takes a message again. Here the message is out of hand all
the same. That Redis delivers it once more, some day, does no harm: its items are not where it expects them.
"""

from datetime import datetime
from typing import Any

import orjson
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.transport import redis as kombu_redis
from loguru import logger
from redis import Redis

_PARTS = (list, dict, dict)  # of a body: positional arguments, named ones, what follows


def is_message(item: bytes) -> bool:
    """Return whether bytes are a message as ours are, which kombu and Celery can take apart."""
    try:
        message = orjson.loads(item)  # refuses what is nested too deeply, where json would end in a RecursionError
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
    """A client that sees an empty queue where rubbish was."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        """Read a reply; of the queues' only those that hold a message."""
        reply = super().parse_response(connection, command_name, **options)
        if command_name == "BRPOP" and reply and not is_message(reply[1]):
            logger.warning("queue.rubbish_dropped", fields={"queue": reply[0].decode(), "bytes": len(reply[1])})
            return None
        return reply


class QoS(kombu_redis.QoS):
    """The messages in hand; none of them stays there for good."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message, and let go of it even if Redis is away."""
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
    """kombu's transport with channels of ours."""

    Channel = Channel


def install() -> None:
    """Use the transport for every connection of this process; unix sockets name theirs in the URL, so by its alias."""
    for name in ("redis", "rediss"):
        TRANSPORT_ALIASES[name] = "samplemind_worker.broker:Transport"
