"""The room of the system in a real browser: services, workers, checks, money."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from config.settings import Settings
from tests.page import accessibility, workers
from tests.web.conftest import Server

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
