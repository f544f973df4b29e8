"""The library in a real browser: search, list, select and mark."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from config.settings import Settings
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests.factories import analysis_facts, audio_facts
from tests.page.accessibility import violations
from tests.page.conftest import HOSTILE

pytestmark = pytest.mark.services

MANY = 2600


@pytest.fixture(scope="module")
def library_folder(shared_folder: Path) -> Path:
    return shared_folder


@pytest.fixture(scope="module")
def page_url(shared_url: str) -> str:
    return shared_url


@pytest.fixture
def library(page: Page) -> Page:
    """The page in the library, with its rows."""
    page.goto("/?sort=name")
    expect(rows(page)).to_have_count(8)
    return page


def rows(page: Page) -> Locator:
    return page.locator("[role=row][data-index]")


def row(page: Page, name: str) -> Locator:
    return rows(page).filter(has_text=name)


def chip(page: Page, name: str) -> Locator:
    return page.get_by_role("search").get_by_role("button", name=re.compile(f"^{name}: "))


def search(page: Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_a_row_says_what_was_heard(library: Page):
    keys = row(library, "Keys Am 120.wav")

    expect(keys).to_contain_text("120")
    expect(keys).to_contain_text("Am")
    expect(keys).to_contain_text("loop")
    expect(keys).to_contain_text("4.00 s")
    expect(library.get_by_text("8 samples", exact=True)).to_be_visible()


def test_words_and_filters_are_in_the_address_and_back_works(library: Page):
    search(library, "bpm:118..122 ")
    expect(rows(library)).to_have_count(1)
    expect(chip(library, "Tempo")).to_be_visible()
    assert "bpm=118..122" in library.url
    address = library.url

    library.go_back()
    expect(rows(library)).to_have_count(8)
    library.goto(address)

    expect(row(library, "Keys Am 120.wav")).to_be_visible()
    expect(rows(library)).to_have_count(1)


def test_a_chip_is_changed_and_taken_away_by_keys(library: Page):
    search(library, "bpm:118..122 ")
    expect(rows(library)).to_have_count(1)

    chip(library, "Tempo").press("Enter")
    field = library.get_by_role("textbox", name="Tempo")
    field.fill("123..125")
    field.press("Enter")
    expect(row(library, "House drums 124.wav")).to_be_visible()
    chip(library, "Tempo").press("Delete")

    expect(rows(library)).to_have_count(8)
    assert "bpm" not in library.url


def test_a_search_that_finds_nothing_says_what_to_take_away(library: Page):
    search(library, "zither bpm:200..210 ")
    expect(library.get_by_role("heading", name="Nothing passes all of this")).to_be_visible()

    library.get_by_role("button", name="all of it").click()

    expect(rows(library)).to_have_count(8)


def test_a_filter_that_cannot_be_read_is_answered_by_one_sentence(page: Page):
    page.goto("/?bpm=fast")

    expect(page.get_by_role("alert")).to_contain_text("bpm")
    page.get_by_role("search").get_by_role("button", name="Without fast BPM").click()
    expect(rows(page)).to_have_count(8)


def test_favourites_are_marked_and_found(library: Page):
    row(library, "Kick 808.wav").click()
    library.keyboard.press("f")
    expect(library.get_by_role("status").filter(has_text="added to your favourites")).to_be_visible()

    library.goto("/?favourite=true")

    expect(rows(library)).to_have_count(1)
    expect(row(library, "Kick 808.wav").get_by_role("button", name="No favourite any more")).to_be_visible()


def test_tags_are_set_on_many_and_found(library: Page):
    row(library, "Kick 808.wav").click()
    row(library, "Snare tight.wav").click(modifiers=["Control"])
    row(library, "Kick 808.wav").click(modifiers=["Control"])
    expect(library.get_by_text("2 samples selected")).to_be_visible()
    library.keyboard.press("t")
    library.keyboard.type("night, warm")
    library.keyboard.press("Enter")
    expect(row(library, "Snare tight.wav")).to_contain_text("night, warm")

    library.goto("/?tag=warm")

    expect(rows(library)).to_have_count(2)


def test_a_collection_is_made_of_what_is_selected(library: Page):
    row(library, "Bass A1.wav").click()
    library.keyboard.press("c")
    library.keyboard.type("Low end")
    library.keyboard.press("Enter")
    expect(library.get_by_role("status").filter(has_text="put into Low end")).to_be_visible()

    library.get_by_role("button", name="Add a filter (+)").click()
    library.get_by_role("button", name="Collection collection:").click()
    library.get_by_role("button", name="Low end 1").click()

    expect(rows(library)).to_have_count(1)
    expect(row(library, "Bass A1.wav")).to_be_visible()


def test_the_chip_of_a_collection_shows_its_name(library: Page):
    made = library.request.post("/api/v1/collections", data={"name": "For the film"}).json()
    library.goto(f"/?collection={made['id']}")

    expect(chip(library, "Collection")).to_have_text("For the film")


def test_a_selection_outlasts_a_reload_and_one_that_does_not_is_named(library: Page):
    row(library, "Kick 808").click(modifiers=["Control"])
    row(library, "Snare tight").click(modifiers=["Control"])
    library.get_by_role("button", name="only these").click()
    library.reload()

    expect(rows(library)).to_have_count(2)
    expect(library.get_by_text("2 samples selected")).to_be_visible()

    library.evaluate("sessionStorage.setItem('selection', JSON.stringify({lost: 1234}))")
    library.reload()

    expect(library.get_by_role("heading", name="This selection is gone")).to_be_visible()
    expect(library.get_by_text("1,234 samples were selected")).to_be_visible()


def test_similar_sounds_are_listed(library: Page):
    row(library, "House drums 124.wav").click()
    library.keyboard.press("s")

    expect(library.get_by_text(re.compile("that sound like House drums"))).to_be_visible()
    expect(rows(library).first).to_be_visible()
    assert "similar=" in library.url


def test_match_takes_the_project_where_it_is_on(library: Page):
    library.get_by_label("Tempo of the project in BPM").fill("122")
    library.get_by_label("Tempo of the project in BPM").press("Enter")
    row(library, "House drums 124.wav").click()
    library.keyboard.press("m")

    expect(library.get_by_text(re.compile("that match the project: 122 BPM"))).to_be_visible()
    expect(row(library, "House drums 124.wav")).to_be_visible()


def test_paths_are_copied(library: Page, library_folder: Path):
    library.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row(library, "Kick 808.wav").click()
    library.keyboard.press("y")
    expect(library.get_by_role("status").filter(has_text="1 path copied")).to_be_visible()

    assert library.evaluate("navigator.clipboard.readText()") == str(library_folder / "Drums" / "Kick 808.wav")


def test_what_is_dragged_out_is_the_file_itself(library: Page, library_folder: Path, page_url: str):
    given = row(library, "Kick 808.wav").evaluate(
        """element => {
            const data = new DataTransfer();
            element.dispatchEvent(new DragEvent("dragstart", { bubbles: true, dataTransfer: data }));
            return Object.fromEntries(data.types.map((type) => [type, data.getData(type)]));
        }"""
    )

    assert given["text/uri-list"] == (library_folder / "Drums" / "Kick 808.wav").as_uri()
    kind, name, address = given["downloadurl"].split(":", 2)
    assert (kind, name) == ("application/octet-stream", "Kick 808.wav")
    answer = library.request.get(address)
    assert answer.body() == (library_folder / "Drums" / "Kick 808.wav").read_bytes()
    assert address.startswith(page_url)


def test_a_hostile_name_is_text_and_keeps_the_grid(library: Page):
    hostile = row(library, HOSTILE[:20])

    expect(hostile).to_be_visible()
    hostile.click()
    box = hostile.bounding_box()
    assert box is not None
    assert box["height"] == 36
    assert library.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert library.locator("img").count() == 0
    expect(library.get_by_role("complementary", name="Sample").get_by_role("heading", level=2)).to_contain_text("<img")


def test_tiles_show_the_same_and_arrows_reach_all(library: Page):
    library.keyboard.press("v")
    tiles = library.locator("[role=option][data-index]")
    expect(tiles).to_have_count(8)

    library.keyboard.press("ArrowRight")
    library.keyboard.press("ArrowRight")

    expect(library.get_by_role("region", name="Player")).to_contain_text("Bass A1.wav")
    assert "view=grid" in library.url


def test_the_panel_and_the_view_of_a_sample_tell_what_is_known(library: Page):
    row(library, "Keys Am 120.wav").click()
    panel = library.get_by_role("complementary", name="Sample")
    expect(panel).to_contain_text("Tempo 120 BPM")
    expect(panel).to_contain_text("Key Am")

    library.keyboard.press("Enter")

    view = library.get_by_role("region", name="Sample")
    expect(view.get_by_role("heading", level=1)).to_have_text("Keys Am 120.wav")
    expect(view.get_by_role("list", name="Chords")).to_be_visible()
    expect(view).to_contain_text("What sounds like it")
    assert violations(library) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_wrong(page: Page, theme: str, width: int):
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/?bpm=100..130&half_double=true")
    expect(rows(page).first).to_be_visible()
    rows(page).first.click()

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_end_of_a_long_list_is_reached_at_once(library: Page, shared_settings: Settings):
    keys = [hashlib.sha256(f"made up {number}".encode()).hexdigest() for number in range(MANY)]
    with Workspace(shared_settings) as workspace:
        results.save_analyses([(audio_facts(key), analysis_facts(key, vector=None)) for key in keys])
        places.save(
            [
                Place("/made-up", f"Zz {number:04}.wav".encode(), key, 1000, 1, 1, settled=True)
                for number, key in enumerate(keys)
            ]
        )
        entry.refresh_marked()
        assert workspace
    asked: list[str] = []
    library.on("request", lambda request: asked.append(request.url) if "/samples?" in request.url else None)
    library.goto("/?sort=name")
    expect(library.get_by_text(f"{MANY + 8:,} samples")).to_be_visible()

    row(library, "Bass A1").click()
    library.keyboard.press("End")

    expect(row(library, f"Zz {MANY - 1:04}")).to_be_visible()
    expect(row(library, f"Zz {MANY - 1:04}")).to_have_class(re.compile("bg-chosen"))
    # The first rows, their page, and the last page: none of those between.
    assert len(asked) <= 4, asked
    library.keyboard.press("ArrowUp")
    expect(row(library, f"Zz {MANY - 2:04}")).to_have_class(re.compile("bg-chosen"))
