"""The frame of the page in a real browser: rooms, keys, themes and widths."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.accessibility import violations

pytestmark = pytest.mark.services


def test_the_page_opens_in_the_library(page: Page):
    page.goto("/")

    expect(page).to_have_title("Library · SampleMind")
    expect(page.get_by_role("navigation", name="Rooms")).to_be_visible()
    expect(page.get_by_role("region", name="Player")).to_be_visible()


def test_the_question_mark_lists_the_keys(page: Page):
    page.goto("/")
    page.get_by_role("navigation", name="Rooms").wait_for()
    page.keyboard.press("?")

    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Go to Library")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_theme_is_the_system_s_until_somebody_chooses(page: Page):
    page.emulate_media(color_scheme="light")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")

    page.get_by_role("button", name="Switch to dark").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_an_address_that_leads_nowhere_says_so(page: Page):
    page.goto("/nowhere")

    expect(page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()


def test_an_empty_library_says_what_to_do_first(browser: Browser, empty_page_url: str):
    window = browser.new_page()
    window.goto(empty_page_url)

    expect(window.get_by_role("heading", name="There are no samples yet")).to_be_visible()
    expect(window.get_by_text("samplemind submit")).to_be_visible()
    assert violations(window) == []
    window.close()
