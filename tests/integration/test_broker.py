"""The queue's transport, on a real Redis that can be cut off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from redis.exceptions import ConnectionError as NoConnectionError

from config.settings import Settings
from samplemind_worker import broker
from tests.chaos.proxy import Mode, Proxy

pytestmark = pytest.mark.services


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    assert settings.redis_url is not None
    path = settings.redis_url.get_secret_value().removeprefix("unix://").partition("?")[0]
    made = Proxy(Path(path))
    yield made
    made.close()


def test_a_message_that_cannot_be_acknowledged_is_out_of_hand_all_the_same(proxy: Proxy):
    # By name, not installed under an alias: kombu caches what an alias meant when it was first used.
    transport = f"{broker.__name__}:{broker.Transport.__name__}"
    options = {"body_encoding": None}
    with Connection(f"redis://127.0.0.1:{proxy.port}/0", transport=transport, transport_options=options) as connection:
        channel = connection.channel()
        channel.basic_qos(0, 1, False)  # noqa: FBT003 -- as the protocol has it
        with connection.SimpleQueue("letters", channel=channel) as queue:
            queue.put([[], {}, {}], headers={"task": "letter", "id": "1"})
            letter = queue.get(timeout=5)
            assert channel.qos.can_consume() is False

            proxy.set(Mode.CUT)
            with pytest.raises(NoConnectionError):
                letter.ack()
            proxy.set(Mode.OPEN)

            assert channel.qos.can_consume() is True
