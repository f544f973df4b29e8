"""The room of the batches in a real browser: begin one, watch it, see what failed, try again, cancel, clear away."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from config.settings import Settings
from samplemind_worker.pipeline.workspace import Workspace
from tests.page import accessibility, workers
from tests.page.conftest import HOSTILE
from tests.web.conftest import Server
from tests.web.work import sounds, submitted, work

pytestmark = pytest.mark.services


def detail(page: Page) -> Locator:
    """The progress of the batch that is open, in words."""
    return page.get_by_role("heading", level=2).locator("xpath=ancestor::header")


def test_a_folder_is_submitted_in_the_page_and_watched_to_its_end(
    empty_page: Page, page_settings: Settings, library_folder: Path, tmp_path: Path
):
    page = empty_page
    (library_folder / "Loops" / "broken.wav").write_bytes(b"no audio at all")
    with workers.running(page_settings, tmp_path):
        page.goto("/batches")
        expect(page.get_by_role("heading", name="Nothing has been analysed yet")).to_be_visible()
        page.keyboard.press("n")
        page.get_by_role("region", name="Folders").get_by_role("button", name="Loops").click()
        page.get_by_role("button", name="Analyse", exact=True).click()

        expect(page.get_by_role("heading", level=2, name="Loops")).to_be_visible()
        expect(detail(page)).to_contain_text("Done, with failures", timeout=60_000)

    expect(detail(page)).to_contain_text("2 analysed")
    expect(page.get_by_role("region", name="Why 1 file failed")).to_contain_text("broken.wav")


def test_failures_are_grouped_by_reason_and_tried_again(
    empty_page: Page, web: httpx.Client, workspace: Workspace, library_folder: Path
):
    page = empty_page
    folder = sounds(library_folder / "some", 1, broken=3)
    (folder / "empty.wav").write_bytes(b"")
    batch = submitted(web, folder)["batch_id"]
    assert work(workspace, web, batch)["failed"] == 4

    page.goto(f"/batches/{batch}")
    failures = page.get_by_role("region", name="Why 4 files failed")
    groups = failures.locator("> ul > li")
    expect(groups).to_have_count(2)
    expect(groups.nth(0)).to_contain_text("broken0.wav")
    expect(groups.nth(0)).to_contain_text("Tried once")
    expect(groups.nth(0).get_by_role("button", name="Retry 3")).to_be_visible()
    groups.nth(1).get_by_role("button", name="Retry 1").click()

    expect(page.get_by_text("1 file queued again.")).to_be_visible()
    expect(detail(page)).to_contain_text("1 waiting")
    for number in range(3):
        (folder / f"broken{number}.wav").unlink()
    sounds(folder, 3)
    work(workspace, web, batch)
    expect(page.get_by_role("button", name="Retry 4 failed")).to_be_visible()


def test_an_open_batch_says_what_it_waits_for_and_can_be_cancelled(
    empty_page: Page, web: httpx.Client, library_folder: Path
):
    page = empty_page
    batch = submitted(web, sounds(library_folder / "some", 2))["batch_id"]

    page.goto(f"/batches/{batch}")
    expect(page.get_by_role("region", name="What it waits for")).to_contain_text("no worker gives a sign of life")
    expect(page.get_by_role("region", name="In work now")).to_contain_text("Nothing, for the reason above.")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Stop 2 files?").click()

    expect(detail(page)).to_contain_text("Cancelled")
    expect(detail(page)).to_contain_text("2 cancelled")
    expect(page.get_by_role("region", name="What it waits for")).to_be_hidden()


def test_an_open_batch_is_paused_and_goes_on(
    empty_page: Page, web: httpx.Client, workspace: Workspace, library_folder: Path
):
    page = empty_page
    batch = submitted(web, sounds(library_folder / "some", 2))["batch_id"]
    page.goto(f"/batches/{batch}")
    page.get_by_role("button", name="Pause").click()

    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    expect(detail(page)).to_contain_text("Paused since")
    expect(page.get_by_role("region", name="What it waits for")).to_contain_text("it is paused")
    expect(page.get_by_role("list", name="Batches").get_by_role("listitem")).to_contain_text("Paused")
    assert web.get(f"/api/v1/batches/{batch}").json()["paused_at"] is not None
    accessibility.check(page)

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    expect(detail(page)).not_to_contain_text("Paused")
    work(workspace, web, batch)
    expect(detail(page)).to_contain_text("2 analysed")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()


def test_what_has_ended_can_be_cleared_away(
    empty_page: Page, web: httpx.Client, workspace: Workspace, library_folder: Path
):
    page = empty_page
    for name in ("one", "two"):
        batch = submitted(web, sounds(library_folder / name, 1), name=name)["batch_id"]
        work(workspace, web, batch)

    page.goto("/batches")
    rows = page.get_by_role("list", name="Batches").get_by_role("listitem")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Clear ended").click()
    page.get_by_role("button", name="Take 1 out of the list?").click()
    expect(page.get_by_role("heading", name="Nothing has been analysed yet")).to_be_visible()
    assert web.get(f"/api/v1/batches/{batch}").json()["total_files"] == 1


def test_what_cannot_be_analysed_is_said_where_it_was_asked_for(empty_page: Page, library_folder: Path):
    page = empty_page
    (library_folder / "nothing").mkdir()

    page.goto("/batches?new=1")
    page.get_by_role("region", name="Folders").get_by_role("button", name="nothing").click()
    page.get_by_role("button", name="Analyse", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("no audio")
    field = page.get_by_role("textbox", name="Folder or file")
    field.fill("/etc/passwd")
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"passwd|does not exist|no such", re.IGNORECASE))


def test_a_hostile_name_breaks_nothing(empty_page: Page, web: httpx.Client, workspace: Workspace, library_folder: Path):
    page = empty_page
    folder = sounds(library_folder / "some", 1)
    (folder / f"{HOSTILE.replace('/', '')[:60]}.wav").write_bytes(b"no audio at all")
    batch = submitted(web, folder, name=HOSTILE)["batch_id"]
    work(workspace, web, batch)

    page.goto(f"/batches/{batch}")
    expect(page.get_by_role("region", name="Why 1 file failed")).to_contain_text("<img src=x")
    assert page.locator("img").count() == 0
    accessibility.check(page)


def test_every_view_of_the_room_is_accessible(empty_page: Page, web: httpx.Client, library_folder: Path):
    page = empty_page
    page.goto("/batches")
    expect(page.get_by_role("heading", name="Nothing has been analysed yet")).to_be_visible()
    accessibility.check(page)

    page.goto("/batches?new=1")
    page.get_by_role("button", name="Drums").wait_for()
    accessibility.check(page)

    batch = submitted(web, library_folder)["batch_id"]
    page.goto(f"/batches/{batch}")
    page.get_by_role("button", name="Cancel").wait_for()
    accessibility.check(page)


def test_keys_go_from_batch_to_batch(empty_page: Page, web: httpx.Client, library_folder: Path):
    page = empty_page
    for name in ("one", "two", "three"):
        submitted(web, sounds(library_folder / name, 1), name=name)
    newest, middle, oldest = [batch["batch_id"] for batch in web.get("/api/v1/batches").json()["items"]]

    page.goto("/batches")
    page.get_by_role("list", name="Batches").wait_for()
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile(newest))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile(oldest))
    page.keyboard.press("ArrowUp")
    expect(page).to_have_url(re.compile(middle))


def test_a_server_that_is_restarted_during_a_batch_is_followed_again(
    lone_page: Page, page_settings: Settings, library_folder: Path
):
    page = lone_page
    with Server(page_settings) as url, httpx.Client(base_url=url) as web:
        port = int(url.rpartition(":")[2])
        batch = submitted(web, sounds(library_folder / "some", 2))["batch_id"]
        page.goto(f"{url}/batches/{batch}")
        expect(detail(page)).to_contain_text("2 waiting")
    expect(page.get_by_text("The server has not answered since")).to_be_visible(timeout=15_000)
    expect(detail(page)).to_contain_text("2 waiting")

    with Server(page_settings, port=port) as url, httpx.Client(base_url=url) as web:
        workspace = Workspace(page_settings)
        work(workspace, web, batch)
        workspace.close()
        expect(page.get_by_text("The server has not answered since")).to_be_hidden(timeout=30_000)
        expect(detail(page)).to_contain_text("2 analysed", timeout=30_000)
