"""The map in a real browser: see, hear, choose and follow the samples as points."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from samplemind_worker.upkeep import sound_map
from tests.page import accessibility
from tests.page.chromium import ARGUMENTS
from tests.page.conftest import window

pytestmark = pytest.mark.services


@pytest.fixture
def map_page(page: Page) -> Page:
    """The page whose library has a map."""
    assert sound_map.tend()
    page.goto("/map")
    page.locator("[data-drawn='8']").wait_for()
    return page


def points(page: Page) -> Locator:
    return page.get_by_role("application", name="Map of the library")


def label(page: Page) -> Locator:
    """What is said of the point at hand."""
    return page.get_by_role("status").filter(has_text="·").first


def drawn(page: Page) -> int:
    """How many pixels of the canvas are not empty."""
    return page.evaluate(
        """() => new Promise(resolve => requestAnimationFrame(() => {
            const canvas = document.querySelector("[data-testid=map-points]");
            const copy = document.createElement("canvas");
            copy.width = canvas.width; copy.height = canvas.height;
            const context = copy.getContext("2d");
            document.querySelector("[aria-label='Nearer (+)']").click();
            requestAnimationFrame(() => {
                context.drawImage(canvas, 0, 0);
                const { data } = context.getImageData(0, 0, copy.width, copy.height);
                resolve(data.filter((_, at) => at % 4 === 3 && data[at] > 0).length);
            });
        }))"""
    )


def rest_on_another(page: Page, name: str) -> str:
    """Move the pointer over the map until it is at a point of another name, and return that name."""
    box = points(page).bounding_box()
    assert box is not None
    for down in range(10, round(box["height"]), 15):
        for right in range(10, round(box["width"]), 15):
            page.mouse.move(box["x"] + right, box["y"] + down)
            shown = page.evaluate("[...document.querySelectorAll('[role=status] bdi')].map(each => each.textContent)")
            if shown and shown != [name]:
                return shown[0]
    pytest.fail("the pointer is at no point anywhere")


def test_before_there_is_a_map_it_says_what_is_waited_for(empty_page: Page, page_url: str):  # noqa: ARG001 -- it has a library
    page = empty_page
    page.goto("/map")
    expect(page.get_by_role("heading", name="The map is being made")).to_be_visible()
    accessibility.check(page)

    assert sound_map.tend()

    expect(points(page)).to_be_visible(timeout=15_000)


def test_an_empty_library_says_what_to_do_first(empty_page: Page):
    empty_page.goto("/map")
    expect(empty_page.get_by_role("heading", name="There is no map yet")).to_be_visible()
    accessibility.check(empty_page)


def test_points_are_drawn_heard_by_keys_and_opened(map_page: Page):
    page = map_page
    assert drawn(page) > 100
    points(page).focus()
    page.keyboard.press("PageDown")
    first = label(page).locator("p").first.inner_text()
    player = page.get_by_role("region", name="Player")
    expect(player).to_contain_text(first)
    page.keyboard.press("PageDown")
    expect(label(page).locator("p").first).not_to_have_text(first)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"sample=[0-9a-f]{64}"))
    expect(page.get_by_role("complementary", name="Sample")).to_be_visible()


def test_arrows_reach_the_sounds_and_the_first_is_in_the_middle(map_page: Page):
    page = map_page
    points(page).focus()
    seen = set()
    for key in ["ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowUp", "ArrowRight", "ArrowDown", "ArrowRight"]:
        page.keyboard.press(key)
        seen.add(label(page).locator("p").first.inner_text())
    assert len(seen) >= 3


def test_hovering_plays_after_a_moment(map_page: Page):
    page = map_page
    points(page).focus()
    page.keyboard.press("PageDown")
    player = page.get_by_role("region", name="Player")
    first = label(page).locator("bdi").inner_text()
    expect(player).to_contain_text(first)

    another = rest_on_another(page, first)

    expect(label(page).locator("bdi")).to_have_text(another)
    expect(player).to_contain_text(another)


def test_a_lasso_becomes_a_selection_of_the_library(map_page: Page):
    page = map_page
    page.keyboard.press("l")
    box = points(page).bounding_box()
    assert box is not None
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98)]
    page.mouse.move(box["x"] + 0.02 * box["width"] + 260, box["y"] + 5)
    page.mouse.down()
    for across, down in [*corners[1:], (0.24, 0.98)]:
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=3)
    page.mouse.up()

    chosen = page.get_by_role("region", name="Chosen samples")
    expect(chosen).to_contain_text(re.compile(r"[1-8] samples? chosen"))
    accessibility.check(page)
    many = int(chosen.inner_text().split()[0])
    chosen.get_by_role("button", name="Show in the library").click()
    expect(page).to_have_url(re.compile("only=selection"))
    expect(page.get_by_role("main")).to_contain_text(re.compile(f"{many}"))


def test_what_is_in_view_can_be_chosen_by_keys_alone(map_page: Page):
    page = map_page
    points(page).focus()
    page.keyboard.press("a")
    chosen = page.get_by_role("region", name="Chosen samples")
    expect(chosen).to_contain_text("8 samples chosen")
    chosen.get_by_role("button", name="Favourite").click()
    expect(page.get_by_text("8 samples are favourites now.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chosen).to_be_hidden()


def test_points_come_back_after_the_graphics_card_was_lost(map_page: Page):
    assert drawn(map_page) > 100

    map_page.evaluate("""async () => {
      const canvas = document.querySelector("[data-testid=map-points]");
      const lose = canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
      const heard = (name) => new Promise((resolve) => canvas.addEventListener(name, resolve, {once: true}));
      const lost = heard("webglcontextlost"), restored = heard("webglcontextrestored");
      lose.loseContext();
      await lost;
      // A browser restores it after the event, and not within it.
      setTimeout(() => lose.restoreContext(), 50);
      await restored;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }""")

    assert drawn(map_page) > 100


def test_the_neighbours_of_a_point_are_ringed(map_page: Page):
    page = map_page
    points(page).focus()
    page.keyboard.press("PageDown")
    label(page).wait_for()
    page.keyboard.press("s")
    expect(page.get_by_text(re.compile(r"\d+ neighbours? ringed\."))).to_be_visible()


def test_the_legend_hides_and_the_address_reproduces_the_view(map_page: Page):
    page = map_page
    legend = page.get_by_role("region", name="Legend")
    legend.get_by_role("button", name="Key", exact=True).click()
    no_key = legend.get_by_role("button", name="No key")
    no_key.click()
    expect(no_key).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile(r"by=key.*hide=no-key|hide=no-key.*by=key"))
    page.reload()

    expect(no_key).to_have_attribute("aria-pressed", "false")
    page.locator("[data-drawn='8']").wait_for()
    points(page).focus()
    page.keyboard.press("a")
    expect(page.get_by_role("region", name="Chosen samples")).to_contain_text(re.compile(r"[1-7] samples? chosen"))
    accessibility.check(page)
    legend.get_by_role("button", name="Show all").click()
    expect(no_key).to_have_attribute("aria-pressed", "true")


@pytest.fixture
def plain_page(chromium: str, browser: Browser, page_url: str) -> Iterator[Page]:
    """A window of a browser without WebGL."""
    plain = [argument for argument in ARGUMENTS if "swiftshader" not in argument and "angle" not in argument]
    started = browser.browser_type.launch(executable_path=chromium, args=[*plain, "--disable-gpu", "--disable-3d-apis"])
    with window(started, page_url) as shown:
        yield shown
    started.close()


def test_it_works_without_webgl_and_says_so(plain_page: Page):
    page = plain_page
    assert sound_map.tend()
    page.goto("/map")
    expect(page.get_by_text("This browser has no WebGL")).to_be_visible()
    assert drawn(page) > 100
    points(page).focus()
    page.keyboard.press("PageDown")
    expect(label(page)).to_be_visible()
