"""``python -m tests.page.screenshots URL FOLDER``: a picture of every view of a running page, in both themes.

The page should have a library with a few hundred sounds, such as `make web LIBRARY=...` makes. FOLDER may not lie in
the repository, except for ``docs/images`` with ``--readme``: then the three pictures of the README are made, as WebP.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.page.chromium import ARGUMENTS, find_chromium

REPOSITORY = Path(__file__).parents[2]
README = {"filters-dark": ("library", 800), "map-dark": ("map", 800), "sample-light": ("sample", 540)}
"""Its picture for each view, and how much of it: below it may stand where the sample lies on the disk."""
DESK, PHONE = (1280, 800), (390, 844)
WAIT = 20_000  # ms
SETTLE = 900  # ms for waveforms and points to be drawn

Theme = Literal["dark", "light"]


@dataclass(frozen=True)
class View:
    """An address, and what is done there before the picture is taken."""

    name: str
    path: str
    then: Callable[[Page], None] = lambda _: None


def _rows(page: Page) -> None:
    page.get_by_role("row").nth(3).wait_for(timeout=WAIT)


def _play(page: Page) -> None:
    _rows(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")


def _map(page: Page) -> None:
    page.locator("canvas").first.wait_for(timeout=WAIT)
    page.wait_for_timeout(1500)
    box = page.locator("canvas").first.bounding_box()
    if box is not None:
        page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.5)


def _keys(page: Page) -> None:
    _rows(page)
    page.keyboard.press("?")


def views(page: Page) -> list[View]:
    """Return the views of the page, with a sample and a batch that it has."""
    get = page.request.get
    loops = get("/api/v1/samples?q=loop&limit=5").json()["items"] or get("/api/v1/samples?limit=1").json()["items"]
    batches: list[dict[str, Any]] = get("/api/v1/batches?limit=1").json()["items"]
    sample = loops[0]["file_id"]
    return [
        View("library", "/", _play),
        View("search", "/?q=dark+kick", _rows),
        View("filters", "/?q=loop&bpm=100..130&kind=loop", _play),
        View("nothing", "/?q=zzzz"),
        View("grid", "/?view=grid"),
        View("similar", f"/?similar={sample}", _rows),
        View("match", f"/?match={sample}", _rows),
        View("sample", f"/sample/{sample}"),
        View("keys", "/", _keys),
        View("map", "/map", _map),
        View("batches", "/batches"),
        *(View("batch", f"/batches/{batch['batch_id']}") for batch in batches),
        View("packs", "/packs"),
        View("nights", "/packs?view=nights"),
        View("system", "/system"),
        View("nowhere", "/there/is/nothing"),
    ]


def shoot(browser: Browser, url: str, folder: Path, *, theme: Theme, size: tuple[int, int], only: str | None) -> None:
    """Write a picture of each view."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, base_url=url, color_scheme=theme, reduced_motion="reduce"
    )
    page = context.new_page()
    suffix = theme if size == DESK else "phone"
    for view in views(page):
        if only not in (None, view.name):
            continue
        page.goto(view.path)
        page.locator("h1").first.wait_for(state="attached", timeout=WAIT)
        view.then(page)
        page.wait_for_timeout(SETTLE)
        page.screenshot(path=folder / f"{view.name}-{suffix}.png")
    context.close()


def main(arguments: list[str]) -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(prog="tests.page.screenshots", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", metavar="VIEW", help="this view alone, such as library")
    parser.add_argument("--readme", action="store_true", help="afterwards write those of the README into docs/images")
    given = parser.parse_args(arguments)
    folder = given.folder.resolve()
    if folder.is_relative_to(REPOSITORY):
        parser.error("the folder may not lie in the repository")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        for theme in ("dark", "light"):
            shoot(browser, given.url, folder, theme=theme, size=DESK, only=given.only)
        shoot(browser, given.url, folder, theme="dark", size=PHONE, only=given.only)
        if given.readme:
            _for_readme(browser, folder)
        browser.close()


def _for_readme(browser: Browser, folder: Path) -> None:
    """Write the pictures of the README as WebP, which the browser itself encodes."""
    images = REPOSITORY / "docs" / "images"
    images.mkdir(exist_ok=True)
    page = browser.new_page()
    for source, (name, height) in README.items():
        page.goto("about:blank")
        encoded = page.evaluate(
            """async ([bytes, height]) => {
                const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)], {type: "image/png"}));
                const canvas = new OffscreenCanvas(picture.width, height);
                canvas.getContext("2d").drawImage(picture, 0, 0);
                const blob = await canvas.convertToBlob({type: "image/webp", quality: 0.82});
                return [...new Uint8Array(await blob.arrayBuffer())];
            }""",
            [list((folder / f"{source}.png").read_bytes()), height],
        )
        (images / f"{name}.webp").write_bytes(bytes(encoded))


if __name__ == "__main__":
    main(sys.argv[1:])
