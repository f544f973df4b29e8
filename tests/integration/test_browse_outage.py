"""The terminal browser while its services are gone: private ones, which it starts again."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.settings import Settings
from samplemind_worker.finding import entry
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.local_services.home import Home
from samplemind_worker.store import mongo, places, results
from samplemind_worker.store.places import Place
from tests.factories import analysis_facts, audio_facts, content_id
from tests.terminal import Terminal

pytestmark = pytest.mark.services

OUTAGE = re.compile(rb"trying again: (MongoDB|Redis|Chroma) does not answer")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Settings]:
    """Private services with a library of three sounds."""
    settings = Settings(_env_file=None, home=tmp_path / "home", redis_url=None, mongodb_url=None, chroma_url=None)  # pyright: ignore[reportCallIssue]
    running = ensure_running(settings, workers=False)
    assert running.mongodb_url is not None
    mongo.connect(running.mongodb_url.get_secret_value(), database=running.database)
    try:
        ids = [content_id(number) for number in range(3)]
        places.save(Place("/music", f"{at}.wav".encode(), key, 1, 1, 1, settled=True) for at, key in enumerate(ids))
        results.save_analyses([(audio_facts(key), analysis_facts(key)) for key in ids])
        entry.refresh(ids)
    finally:
        mongo.close()
    yield settings
    stop(settings)


def test_keeps_what_it_shows_and_goes_on_once_the_services_are_back(own: Settings):
    urls = dict.fromkeys(("SAMPLEMIND_REDIS_URL", "SAMPLEMIND_MONGODB_URL", "SAMPLEMIND_CHROMA_URL"), "")
    command = [sys.executable, "-m", "samplemind_cli", "browse", "--sort", "name"]
    screen = Terminal(command, environment={"SAMPLEMIND_HOME": str(own.home), **urls})
    try:
        screen.wait_for("3 sounds", "A minor, from the sound")
        supervisor = Home(own.home).holder()
        assert supervisor is not None
        for each in [psutil.Process(supervisor), *psutil.Process(supervisor).children(recursive=True)]:
            each.kill()
        screen.press("\x1b[B\x1b[B")  # the details of the next sound are asked for
        screen.wait_until(lambda _: OUTAGE.search(screen.raw) is not None, "an outage")
        text = screen.wait_for("the services answer again")
        assert [f"{number}.wav" in text for number in range(3)] == [True, True, True]
        # The numbers of documents were not noted before MongoDB was killed; the library does not seem to be empty.
        screen.press("/zzzz")
        screen.wait_for("no file has 'zzzz'")
        screen.press("\x03")
        assert screen.wait_for_end() == 0
    finally:
        screen.close()
