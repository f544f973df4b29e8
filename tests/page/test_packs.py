"""The room of packs and reports in a real browser: upload, what was taken, what was refused and why."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from config.settings import Settings
from samplemind_worker.packs import ingest, nights
from tests.page import accessibility
from tests.page.conftest import HOSTILE
from tests.zips import wav, write_zip

pytestmark = pytest.mark.services


@pytest.fixture
def page_settings(page_settings: Settings, library_folder: Path, tmp_path: Path) -> Settings:
    """Settings whose inbox and library are of this test alone."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    return page_settings.model_copy(
        update={
            "home": tmp_path / "home",
            "inbox": inbox,
            "library_root": library_folder / "packs",
            "inbox_settle_seconds": 0.0,
        }
    )


def take_in(settings: Settings) -> None:
    report = ingest.ingest(settings, say=lambda _: None)
    assert report is not None
    nights.keep(report, settings)


def test_an_empty_room_says_what_to_do_first(empty_page: Page):
    page = empty_page
    page.goto("/packs")
    expect(page.get_by_role("heading", name="No pack has been taken in yet")).to_be_visible()
    accessibility.check(page)
    page.get_by_role("link", name="Reports").click()
    expect(page.get_by_role("heading", name="There is no report yet")).to_be_visible()
    accessibility.check(page)


def test_packs_are_uploaded_and_a_name_that_is_taken_is_not_overwritten(
    empty_page: Page, page_settings: Settings, tmp_path: Path
):
    page = empty_page
    inbox = page_settings.inbox_folder
    write_zip(tmp_path / "one" / "pack.zip", {"kick.wav": wav(1)})
    write_zip(tmp_path / "two" / "pack.zip", {"snare.wav": wav(2)})
    (tmp_path / "notes.txt").write_text("no audio")

    page.goto("/packs")
    chooser = page.get_by_label("Packs to upload")
    chooser.set_input_files([tmp_path / "one" / "pack.zip", tmp_path / "notes.txt"])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_role("listitem").nth(0)).to_contain_text("In the inbox")
    expect(uploads.get_by_role("listitem").nth(1).get_by_role("alert")).to_contain_text("zip")
    chooser.set_input_files(tmp_path / "two" / "pack.zip")
    uploads.get_by_role("button", name="Send as pack (2).zip").click()

    expect(uploads.get_by_role("listitem").nth(2)).to_contain_text("In the inbox")
    assert sorted(path.name for path in inbox.iterdir()) == ["pack (2).zip", "pack.zip"]
    assert (inbox / "pack.zip").read_bytes() == (tmp_path / "one" / "pack.zip").read_bytes()
    accessibility.check(page)
    uploads.get_by_role("button", name="Clear ended").click()
    expect(uploads.get_by_role("listitem")).to_have_count(0)


def test_files_are_dropped_onto_the_room(empty_page: Page, page_settings: Settings):
    page = empty_page
    page.goto("/packs")
    page.get_by_role("button", name="Upload packs").wait_for()
    data = page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['RIFF'], 'dropped.wav')); return data; }"
    )
    target = page.get_by_role("heading", level=1)
    target.dispatch_event("dragover", {"dataTransfer": data})
    expect(page.get_by_text("Drop zips and audio files to put them into the inbox")).to_be_visible()
    target.dispatch_event("drop", {"dataTransfer": data})

    expect(page.get_by_role("region", name="Uploads").get_by_role("listitem")).to_contain_text("In the inbox")
    assert (page_settings.inbox_folder / "dropped.wav").read_bytes() == b"RIFF"


def test_an_upload_can_be_cancelled_and_leaves_nothing(empty_page: Page, page_settings: Settings, tmp_path: Path):
    page = empty_page
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(200 * 2**20)
    page.goto("/packs")
    page.get_by_role("button", name="Upload packs").wait_for()
    # As slow as over a network, so that there is something to cancel.
    network = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2 * 2**20}
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", limits)
    page.get_by_label("Packs to upload").set_input_files(large)
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_role("progressbar", name="Upload of large.wav")).to_be_visible()
    uploads.get_by_role("button", name="Cancel the upload of large.wav").click()

    expect(uploads.get_by_role("listitem")).to_contain_text("Cancelled; nothing of it is in the inbox.")
    page.wait_for_timeout(500)
    assert [path.name for path in page_settings.inbox_folder.iterdir()] == []


def test_reports_say_what_was_taken_and_why_something_was_refused(empty_page: Page, page_settings: Settings):
    page = empty_page
    inbox = page_settings.inbox_folder
    write_zip(inbox / "good.zip", {"kick.wav": wav(1), "snare.wav": wav(2), "read.me": b"text"})
    write_zip(inbox / "evil.zip", {"../../outside.wav": wav(3)})
    hostile = HOSTILE.replace("/", "")[:60]
    write_zip(inbox / f"{hostile}.zip", {"hat.wav": wav(4)})
    (inbox / "list.txt").write_text("no pack")
    take_in(page_settings)

    page.goto("/packs")
    packs = page.get_by_role("list", name="Packs")
    expect(packs.get_by_role("listitem")).to_have_count(3)
    expect(packs.get_by_role("listitem").filter(has_text="evil.zip")).to_contain_text("Refused")
    assert page.locator("img").count() == 0
    accessibility.check(page)
    packs.get_by_role("link").filter(has_text="good.zip").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("good.zip")
    expect(page.get_by_text("2, of which 2 were new")).to_be_visible()
    accessibility.check(page)
    page.get_by_role("link", name="Reports").click()
    page.get_by_role("list", name="Reports").get_by_role("link").click()

    outcome = page.get_by_role("listitem").filter(has_text="evil.zip")
    expect(outcome).to_contain_text("refused")
    expect(page.get_by_text("list.txt").last).to_be_visible()
    accessibility.check(page)
    page.get_by_role("listitem").filter(has_text="good.zip").get_by_role("link", name="Its batch").click()
    expect(page.get_by_role("heading", level=1, name="Batches")).to_be_visible()


def test_what_was_uploaded_is_taken_in_by_a_button(empty_page: Page, page_settings: Settings):
    page = empty_page
    write_zip(page_settings.inbox_folder / "kit.zip", {"kick.wav": wav(1), "snare.wav": wav(2)})
    page.goto("/packs")
    take_in_now = page.get_by_role("button", name="Take in 1 pack now")
    expect(take_in_now).to_be_visible()
    accessibility.check(page)
    take_in_now.click()

    expect(page.get_by_role("list", name="Packs").get_by_role("listitem")).to_contain_text("2 files, 2 new")
    expect(page.get_by_role("region", name="Inbox")).to_have_count(0)
    assert [path.name for path in page_settings.inbox_folder.iterdir()] == ["done"]
