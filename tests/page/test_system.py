"""The room of the system in a real browser: services, workers, checks, money."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from config.settings import Settings
from samplemind_worker.pipeline.workspace import Workspace
from tests.page import accessibility, workers
from tests.web.conftest import Server
from tests.web.work import sounds, submitted, work

pytestmark = pytest.mark.services


def test_it_says_what_runs_and_what_to_do_about_what_does_not(empty_page: Page):
    page = empty_page
    page.goto("/system")

    running = page.get_by_role("region", name="Services and workers")
    expect(running).to_contain_text("MongoDB, the record")
    expect(running).to_contain_text("No worker gives a sign of life, so nothing is analysed.")
    expect(running).to_contain_text("samplemind flower")
    checks = page.get_by_role("region", name="Checks")
    expect(checks.get_by_role("listitem").filter(has_text="python")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("region", name="Money spent on summaries")).to_contain_text("Today")
    expect(page.get_by_role("region", name="You")).to_contain_text("There are no users")
    accessibility.check(page)


def test_workers_appear_as_they_start_and_go_as_they_end(empty_page: Page, page_settings: Settings, tmp_path: Path):
    page = empty_page
    page.goto("/system")
    running = page.get_by_role("region", name="Services and workers")
    expect(running).to_contain_text("No worker gives a sign of life")

    with workers.running(page_settings, tmp_path):
        rows = page.get_by_role("region", name="Workers", exact=True).get_by_role("row")
        expect(rows).to_have_count(3, timeout=30_000)
        expect(rows.filter(has_text="cpu")).to_contain_text("1")

    expect(running).to_contain_text("No worker gives a sign of life", timeout=60_000)


def test_open_batches_say_what_they_wait_for_and_a_paused_one_goes_on(
    empty_page: Page, web: httpx.Client, workspace: Workspace, library_folder: Path
):
    page = empty_page
    held, waiting = (
        submitted(web, sounds(library_folder / name, 1), name=f"The {name}")["batch_id"] for name in ("drums", "notes")
    )
    assert web.post(f"/api/v1/batches/{held}/pause").status_code == 200
    page.goto("/system")

    rows = page.get_by_role("list", name="Open batches").get_by_role("listitem")
    expect(rows).to_have_count(2)
    paused = rows.filter(has_text="The drums")
    expect(paused).to_contain_text("Paused since")
    expect(paused.get_by_role("region", name="What The drums waits for")).to_contain_text("it is paused")
    other = rows.filter(has_text="The notes")
    expect(other.get_by_role("region", name="What The notes waits for")).to_contain_text(
        "no worker gives a sign of life"
    )
    accessibility.check(page)

    paused.get_by_role("button", name="Resume The drums").click()
    expect(paused.get_by_role("button", name="Pause The drums")).to_be_focused()
    expect(paused).not_to_contain_text("Paused")
    assert web.get(f"/api/v1/batches/{held}").json()["paused_at"] is None
    other.get_by_role("link", name="The notes").click()
    expect(page).to_have_url(re.compile(f"/batches/{waiting}$"))
    page.go_back()

    for each in (held, waiting):
        work(workspace, web, each)
    expect(page.get_by_role("list", name="Open batches")).to_be_hidden(timeout=45_000)


def test_a_service_that_is_away_is_named_and_the_banner_goes_by_itself(lone_page: Page, page_settings: Settings):
    page = lone_page
    nobody = Settings.model_validate(page_settings.model_dump() | {"chroma_url": "http://127.0.0.1:9"})
    with Server(nobody) as url:
        port = int(url.rpartition(":")[2])
        page.goto(f"{url}/batches")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        banner = page.get_by_role("alert").filter(has_text="The index of sounds (Chroma) does not answer")
        expect(banner).to_contain_text("Search and listening work", timeout=30_000)
        accessibility.check(page)
    with Server(page_settings, port=port):
        expect(banner).to_be_hidden(timeout=45_000)
        expect(page.get_by_text("The server has not answered since")).to_be_hidden(timeout=30_000)
