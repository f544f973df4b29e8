"""Logging in and out in a real browser, and what users of each role are offered."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from config.settings import Settings
from samplemind_worker.accounts import users
from tests.page import accessibility
from tests.page.conftest import HOSTILE, window
from tests.web.accounts import PASSWORD
from tests.web.conftest import Server

pytestmark = pytest.mark.services


@pytest.fixture
def team_url(page_settings: Settings) -> Iterator[str]:
    """The URL of a server with an admin, a producer and a viewer."""
    with Server(page_settings) as url:
        for name, role in (("ann", "admin"), ("bob", "producer"), ("vic", "viewer")):
            hashed = users.with_password(name, PASSWORD)
            users.add_user(name, role=role, roots=None, password=hashed, settings=page_settings)
        yield url


@pytest.fixture
def team(browser: Browser, team_url: str) -> Iterator[Page]:
    with window(browser, team_url) as shown:
        yield shown


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_login_leads_back_to_where_one_was(team: Page):
    page = team
    page.goto("/batches?state=failed")
    expect(page.get_by_text("Log in to see and hear the library.")).to_be_visible()
    accessibility.check(page)
    log_in(page, "ann", "not the password of ann")
    expect(page.get_by_role("alert")).to_have_text("There is no user with this name and password.")
    log_in(page, "ann")

    expect(page.get_by_role("heading", level=1, name="Batches")).to_be_visible()
    assert page.url.endswith("/batches?state=failed")


def test_a_session_that_ended_asks_for_a_login_and_goes_on_after_it(team: Page):
    page = team
    page.goto("/packs")
    log_in(page, "bob")
    expect(page.get_by_role("heading", level=1, name="Packs and nights")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("link", name="System").click()

    expect(page.get_by_text("Your session has ended.")).to_be_visible(timeout=30_000)
    log_in(page, "bob")
    expect(page.get_by_role("heading", level=1, name="System")).to_be_visible()


def test_logging_out_shows_nothing_any_more(team: Page):
    page = team
    page.goto("/system")
    log_in(page, "bob")
    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    page.go_back()
    page.goto("/system")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_two_tabs_are_always_of_the_same_user(team: Page):
    one = team
    one.goto("/system")
    log_in(one, "bob")
    other = one.context.new_page()
    other.goto("/system")
    expect(other.get_by_role("region", name="You")).to_contain_text("bob")
    other.get_by_role("button", name="Log out").click()
    expect(one.get_by_role("button", name="Log in")).to_be_visible()
    log_in(other, "ann")

    you = one.get_by_role("region", name="You")
    expect(you).to_contain_text("ann")
    you.get_by_label("Name").fill("of this tab")
    you.get_by_role("button", name="Make a token").click()
    expect(you.locator("code").filter(has_text="smk_")).to_be_visible()


def test_who_may_only_look_is_offered_nothing_else(team: Page):
    page = team
    page.goto("/batches")
    log_in(page, "vic")
    expect(page.get_by_role("heading", name="Nothing has been analysed yet")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse a folder")).to_be_hidden()
    page.get_by_role("link", name="Packs").first.click()
    expect(page.get_by_role("heading", level=1, name="Packs and nights")).to_be_visible()
    expect(page.get_by_role("button", name="Upload packs")).to_be_hidden()
    page.get_by_role("link", name="System").click()
    expect(page.get_by_role("region", name="You")).to_contain_text("vic (viewer) may look and listen.")
    expect(page.get_by_role("region", name="Users")).to_be_hidden()


def test_a_token_is_shown_once_and_works_until_it_is_deleted(team: Page, team_url: str):
    page = team
    page.goto("/system")
    log_in(page, "bob")
    you = page.get_by_role("region", name="You")
    you.get_by_label("Name").fill(HOSTILE[:90])
    you.get_by_role("button", name="Make a token").click()
    token = you.locator("code").filter(has_text="smk_").inner_text()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{team_url}/api/v1/me", headers=headers).json()["scopes"] == ["read"]
    assert page.locator("img").count() == 0
    accessibility.check(page)
    page.reload()
    expect(you.get_by_text("smk_")).to_have_count(0)
    you.get_by_role("button", name="Delete the token").click()

    expect(you.get_by_role("button", name="Delete the token")).to_have_count(0)
    assert httpx.get(f"{team_url}/api/v1/me", headers=headers).status_code == 401


def test_an_admin_grants_roots(team: Page):
    team.goto("/system")
    log_in(team, "ann")
    team.get_by_role("button", name="are the roots of bob").click()
    form = team.get_by_role("dialog", name="Roots of bob")
    form.get_by_label("All roots").uncheck()
    form.get_by_label("library", exact=True).check()
    form.get_by_role("button", name="Set").click()

    expect(team.get_by_role("button", name="library are the roots of bob")).to_be_visible()
    items = team.request.get("/api/v1/users").json()["items"]
    assert {user["name"]: user["roots"] for user in items} == {"ann": None, "bob": ["library"], "vic": None}


def test_an_admin_adds_and_disables_users(team: Page, team_url: str):
    page = team
    page.goto("/system")
    log_in(page, "ann")
    people = page.get_by_role("region", name="Users", exact=True)
    people.get_by_text("Add a user").click()
    people.get_by_label("Name", exact=True).fill("eve")
    people.get_by_label("First password").fill("short")
    people.get_by_role("button", name="Add", exact=True).click()
    expect(people.get_by_role("alert")).to_contain_text("12")
    people.get_by_label("First password").fill(PASSWORD)
    people.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("eve can log in now.")).to_be_visible()
    given = {"name": "eve", "password": PASSWORD}
    assert httpx.post(f"{team_url}/api/v1/auth/login", json=given).status_code == 200
    people.get_by_role("button", name="Disable eve").click()

    expect(people.get_by_role("button", name="Disabled; enable eve")).to_be_visible()
    assert httpx.post(f"{team_url}/api/v1/auth/login", json=given).status_code == 401
    expect(page.get_by_role("region", name="What users did")).to_contain_text("login")
    accessibility.check(page)
