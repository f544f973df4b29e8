"""Sounds in a real browser: what is played is really heard, and fits the project."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from playwright.sync_api import Page, expect

from config.settings import Settings
from samplemind_worker.pipeline.workspace import Workspace
from tests.chain import analyse

pytestmark = pytest.mark.services

LISTEN = """() => {
    // Everything that is heard goes through an analyser, too.
    const connect = AudioNode.prototype.connect;
    window.heard = [];
    AudioNode.prototype.connect = function (target, ...rest) {
        if (target instanceof AudioDestinationNode) {
            const analyser = new AnalyserNode(this.context, { fftSize: 2048 });
            connect.call(this, analyser);
            const part = new Float32Array(2048);
            setInterval(() => {
                analyser.getFloatTimeDomainData(part);
                window.heard.push(Math.max(...part.map(Math.abs)));
            }, 20);
        }
        return connect.call(this, target, ...rest);
    };
}"""


@pytest.fixture(scope="module")
def library_folder(shared_folder: Path) -> Path:
    return shared_folder


@pytest.fixture(scope="module")
def page_settings(shared_settings: Settings) -> Settings:
    return shared_settings


@pytest.fixture(scope="module")
def page_url(shared_url: str) -> str:
    return shared_url


@pytest.fixture
def library(page: Page) -> Page:
    """The page in the library, whose sound is measured."""
    page.add_init_script(f"({LISTEN})()")
    page.goto("/?sort=name")
    page.locator("[role=row][data-index]").first.wait_for()
    return page


def until(page: Page, expression: str, value: object = None) -> None:
    """Wait until an expression is true. The page's policy forbids the evaluation by which Playwright waits itself."""
    expression = expression.replace("position()", "Number(document.querySelector('[aria-label=Position]').value)")
    deadline = time.monotonic() + 20.0
    while not page.evaluate(expression, value):
        assert time.monotonic() < deadline, f"{expression} did not come true"
        page.wait_for_timeout(20)


def position(page: Page) -> float:
    return float(page.get_by_role("slider", name="Position").input_value())


def player(page: Page):
    return page.get_by_role("region", name="Player")


def loudest(page: Page) -> float:
    return page.evaluate("Math.max(0, ...window.heard)")


def test_arrows_move_and_play_and_escape_stops(library: Page):
    library.keyboard.press("ArrowDown")
    library.keyboard.press("ArrowDown")
    expect(player(library)).to_contain_text("Bass A1.wav")
    until(library, "position() > 0.02")
    first = position(library)
    until(library, "before => position() > before", first)
    assert loudest(library) > 0.05

    library.keyboard.press("Escape")

    expect(library.get_by_role("button", name="Play (Space)")).to_be_visible()
    until(library, "window.heard.slice(-5).every((value) => value < 0.001)")


def test_space_pauses_and_goes_on_and_arrows_seek(library: Page):
    library.locator("[role=row]", has_text="Pad C.wav").click()
    until(library, "position() > 0.05")
    library.keyboard.press("Space")
    expect(library.get_by_role("button", name="Play (Space)")).to_be_visible()
    paused = position(library)
    library.keyboard.press("Space")
    until(library, "before => position() > before", paused)

    before = position(library)
    library.keyboard.press("ArrowRight")

    until(library, "before => position() > before + 0.04", before)


def test_the_waveform_plays_under_the_pointer_and_stops_behind_it(library: Page):
    library.locator("[role=row]", has_text="Pad C.wav").locator("[data-wave]").hover()
    expect(player(library)).to_contain_text("Pad C.wav")
    until(library, "position() > 0.01")

    library.get_by_role("searchbox").or_(library.get_by_role("combobox", name="Search")).first.hover()

    expect(library.get_by_role("button", name="Play (Space)")).to_be_visible()


def test_loops_are_made_to_fit_the_project_and_go_on(library: Page):
    tempo = library.get_by_label("Tempo of the project in BPM")
    tempo.fill("110")
    tempo.press("Enter")
    library.get_by_label("Key of the project").select_option(label="Bm")
    library.locator("[role=row]", has_text="Keys Am 120.wav").click()

    expect(player(library)).to_contain_text(re.compile("8.3 %, 2 semitones up"))
    until(library, "position() > 0.02")
    assert loudest(library) > 0.05
    # Four seconds at 120 BPM are 4.36 at 110, and then it begins again.
    until(library, "position() > 0.9")
    until(library, "position() < 0.5")
    expect(library.get_by_role("button", name="Pause (Space)")).to_be_visible()


def test_what_is_held_sounds_under_the_next_one(library: Page):
    library.keyboard.press("p")
    library.locator("[role=row]", has_text="House drums 124.wav").click()
    until(library, "position() > 0.02")
    library.keyboard.press("h")
    library.locator("[role=row]", has_text="Keys Am 120.wav").click()
    expect(player(library)).to_contain_text("over House drums 124.wav")

    library.keyboard.press("h")

    expect(player(library)).not_to_contain_text("over House drums")


def test_a_long_sound_is_streamed(library: Page, page_settings: Settings, library_folder: Path):
    t = np.arange(35 * 22050) / 22050
    sf.write(library_folder / "Long tone.wav", 0.3 * np.sin(2 * np.pi * 220 * t), 22050)
    workspace = Workspace(page_settings)
    assert analyse(workspace, library_folder, ai=False)["failed"] == 0
    workspace.close()
    library.reload()

    library.locator("[role=row]", has_text="Long tone.wav").click()

    until(library, "position() > 0.005")
    assert loudest(library) > 0.1


def test_a_sound_that_is_gone_is_said_to_be(page: Page, library_folder: Path):
    (library_folder / "Notes" / "Bass A1.wav").unlink()
    page.goto("/?sort=name")

    page.locator("[role=row]", has_text="Bass A1.wav").click()

    expect(page.get_by_role("alert")).to_contain_text("cannot be played")
    expect(page.get_by_role("button", name="Play (Space)")).to_be_visible()
