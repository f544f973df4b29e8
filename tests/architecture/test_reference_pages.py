"""The pages of docs/reference are what the code says, and the code says something of everything."""

from samplemind_cli.exit_codes import OF_COMMANDS
from samplemind_worker.errors import PERMANENT_ERRORS
from samplemind_worker.store.parcels import LAST_WORDS
from tests.reference_pages.pages import COMMAND, stale, written


def test_the_pages_are_what_the_code_says():
    assert stale() == [], f"run `{COMMAND}`"


def test_no_cell_is_empty():
    empty = [line for text in written().values() for line in text.splitlines() if "|  |" in line]

    assert empty == []


def test_exit_codes_are_those_of_commands():
    text = written()["commands.md"]

    assert [name for name in OF_COMMANDS if f"\n## samplemind {name}\n" not in text] == []


def test_the_codes_that_files_are_begun_again_for_are_those_of_the_record():
    assert {code for code, error in PERMANENT_ERRORS.items() if error.is_tried_again} == set(LAST_WORDS)
