import pytest

from samplemind_worker.errors import UsageError
from samplemind_worker.finding.marks import LONGEST_TAG, clean_tag, tag_key


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("  dark   drums ", "dark drums"),
        ("cafe\u0301", "café"),
        ("👩\u200d🎤 vocals", "👩\u200d🎤 vocals"),
        ("<b>$where</b>", "<b>$where</b>"),
        ("x" * LONGEST_TAG, "x" * LONGEST_TAG),
    ],
)
def test_a_tag_keeps_what_can_be_seen(given: str, tag: str):
    assert clean_tag(given) == tag


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\u200d", "empty"),
        ("\u0301", "empty"),
        ("a\0b", "cannot be seen"),
        ("evil\u202eexe", "cannot be seen"),
        ("x" * (LONGEST_TAG + 1), "more than 60"),
    ],
)
def test_what_is_no_tag_is_refused(given: str, complaint: str):
    with pytest.raises(UsageError, match=complaint):
        clean_tag(given)


def test_case_and_space_make_no_other_tag():
    assert tag_key("Dark  Drums") == tag_key("dark drums ") != tag_key("darkdrums")
