"""A real browser, and the page of a real server with a small library that the real steps have analysed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile as sf
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from config.settings import Settings
from samplemind_web.page_files import BUILT
from samplemind_worker.pipeline.workspace import Workspace
from tests.chain import analyse
from tests.page.chromium import ARGUMENTS, find_chromium
from tests.web.conftest import Server
from training import signals

expect.set_options(timeout=20_000)  # a busy machine

HOSTILE = "<img src=x onerror=alert(1)> מבחן 🥁 " + "long" * 40
"""A name with markup, right-to-left letters, an emoji and 200 characters."""


def write_library(folder: Path) -> None:
    """Write eight sounds: drums, two loops in time with each other, a bass note, a pad, and one of a hostile name."""
    sounds = {
        "Drums/Kick 808.wav": signals.kick(),
        "Drums/Snare tight.wav": signals.snare(),
        "Drums/Hat closed.wav": signals.hat_closed(),
        "Loops/House drums 124.wav": signals.drum_loop(124.0, pattern="house"),
        "Loops/Keys Am 120.wav": signals.melodic_loop(57, "minor", 120.0, bars=2),
        "Notes/Bass A1.wav": signals.note(33, 1.5, voice="bass"),
        "Notes/Pad C.wav": signals.pad(60, "major", 4.0),
        f"Notes/{HOSTILE.replace('/', '')}.wav": signals.note(60, 0.8),
    }
    for name, y in sounds.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        sf.write(file, np.asarray(y), 44100, subtype="PCM_16")


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sounds of `write_library`, for all tests of a module."""
    folder = tmp_path_factory.mktemp("shared") / "library"
    write_library(folder)
    return folder


@pytest.fixture(scope="module")
def shared_settings(services: Settings, chroma: str, shared_folder: Path) -> Settings:  # noqa: ARG001 -- it must answer
    """The settings of a server for all tests of a module."""
    return services.model_copy(
        update={
            "database": f"page-{shared_folder.parent.name}",
            "scratch": shared_folder.parent / "scratch",
            "roots": {"library": shared_folder},
            "host": "testhost",
        }
    )


@pytest.fixture(scope="module")
def shared_url(shared_settings: Settings, shared_folder: Path) -> Iterator[str]:
    """The URL of a page for all tests of a module, whose library was analysed by the steps of a worker."""
    assert (BUILT / "index.html").is_file(), "`make page` builds the page"
    with Server(shared_settings) as url:
        workspace = Workspace(shared_settings)
        assert analyse(workspace, shared_folder, ai=False)["failed"] == 0
        yield url
        workspace.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    return find_chromium()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless browser for all tests of a module.

    Playwright keeps an event loop running in this thread until it ends; tests of other modules start their own.
    """
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def library_folder(tmp_path: Path) -> Path:
    """A folder with the sounds of `write_library`."""
    folder = tmp_path / "library"
    write_library(folder)
    return folder


@pytest.fixture
def page_settings(settings: Settings, library_folder: Path, chroma: str) -> Settings:  # noqa: ARG001 -- it must answer
    """The settings of a server that may read the library."""
    return settings.model_copy(update={"roots": {"library": library_folder}})


@pytest.fixture
def empty_page_url(page_settings: Settings) -> Iterator[str]:
    """The URL of a page whose library is empty."""
    assert (BUILT / "index.html").is_file(), "`make page` builds the page"
    with Server(page_settings) as url:
        yield url


@pytest.fixture
def page_url(page_settings: Settings, empty_page_url: str, library_folder: Path) -> Iterator[str]:
    """The URL of a page whose library was analysed by the steps of a worker, in this process."""
    workspace = Workspace(page_settings)
    assert analyse(workspace, library_folder, ai=False)["failed"] == 0
    yield empty_page_url
    workspace.close()


@pytest.fixture
def web(empty_page_url: str) -> Iterator[httpx.Client]:
    """A client of the server whose library is empty."""
    with httpx.Client(base_url=empty_page_url, timeout=30.0) as client:
        yield client


@pytest.fixture
def workspace(page_settings: Settings, empty_page_url: str) -> Iterator[Workspace]:  # noqa: ARG001 -- it opens the record
    """A workspace that uses the server's connection to the record, from this thread."""
    made = Workspace(page_settings)
    yield made
    made.close()


@contextmanager
def window(browser: Browser, url: str | None = None) -> Iterator[Page]:
    """A new window of 1280 by 800; the test fails on any error or violation that its console shows."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=url)
    shown = context.new_page()
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A missing answer is shown by the page, and asserted where it is expected.
        if message.type == "error" and "Failed to load resource" not in message.text:
            faults.append(message.text)

    shown.on("console", hear)
    shown.on("pageerror", lambda error: faults.append(str(error)))
    yield shown
    context.close()
    assert faults == []


@pytest.fixture
def page(browser: Browser, page_url: str) -> Iterator[Page]:
    """A window on the page whose library was analysed."""
    with window(browser, page_url) as shown:
        yield shown


@pytest.fixture
def empty_page(browser: Browser, empty_page_url: str) -> Iterator[Page]:
    """A window on the page whose library is empty."""
    with window(browser, empty_page_url) as shown:
        yield shown


@pytest.fixture
def lone_page(browser: Browser) -> Iterator[Page]:
    """A window without a server; the test starts one."""
    with window(browser) as shown:
        yield shown
