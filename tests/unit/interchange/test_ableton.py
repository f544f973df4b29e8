import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.ableton import keywords_of, tagged
from tests.unit.interchange.sounds import LOOP, ONE_SHOT

_NAMES = {"rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "ablFR": "https://ns.ableton.com/xmp/fs-resources/1.0/"}
_THEIRS = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 6.0.0">
    <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description rdf:about=""
                xmlns:dc="http://purl.org/dc/elements/1.1/"
                xmlns:ablFR="https://ns.ableton.com/xmp/fs-resources/1.0/">
            <dc:format>application/vnd.ableton.folder</dc:format>
            <ablFR:items>
                <rdf:Bag>
                    <rdf:li rdf:parseType="Resource">
                        <ablFR:filePath>b.wav</ablFR:filePath>
                        <ablFR:keywords>
                            <rdf:Bag>
                                <rdf:li>Mine</rdf:li>
                                <rdf:li>Key|C</rdf:li>
                            </rdf:Bag>
                        </ablFR:keywords>
                        <ablFR:unknown>kept</ablFR:unknown>
                    </rdf:li>
                    <rdf:li rdf:parseType="Resource">
                        <ablFR:filePath>a &amp; ü.wav</ablFR:filePath>
                        <ablFR:colors><rdf:Bag><rdf:li>2</rdf:li></rdf:Bag></ablFR:colors>
                    </rdf:li>
                </rdf:Bag>
            </ablFR:items>
        </rdf:Description>
    </rdf:RDF>
</x:xmpmeta>
""".encode()


def read(data: bytes) -> dict[str, list[str]]:
    """Read the file by its published names, independently of the code under test."""
    items = ET.fromstring(data).findall(".//ablFR:items/rdf:Bag/rdf:li", _NAMES)  # noqa: S314 -- written by us
    return {
        item.findtext("ablFR:filePath", namespaces=_NAMES) or "": [
            each.text or "" for each in item.findall("ablFR:keywords/rdf:Bag/rdf:li", _NAMES)
        ]
        for item in items
    }


def test_a_new_file_has_no_declaration_and_ends_lines_with_lf():
    data, added = tagged(b"", {"kick.wav": ["Drums|Kick", "Type|One Shot"]})
    assert read(data) == added == {"kick.wav": ["Drums|Kick", "Type|One Shot"]}
    assert data.startswith(b"<x:xmpmeta ")
    assert b"\r" not in data


def test_what_is_there_keeps_its_bytes_and_its_order():
    data, added = tagged(
        _THEIRS,
        {"b.wav": ["Drums|Kick", "Key|A"], "a & ü.wav": ["Type|Loop"], "new.wav": ["Type|Loop"], "none.wav": []},
    )
    assert list(read(data).items()) == [
        ("b.wav", ["Mine", "Key|C", "Drums|Kick"]),
        ("a & ü.wav", ["Type|Loop"]),
        ("new.wav", ["Type|Loop"]),
    ]
    assert added == {"b.wav": ["Drums|Kick"], "a & ü.wav": ["Type|Loop"], "new.wav": ["Type|Loop"]}
    lines = data.splitlines()
    kept = iter(lines)
    assert all(line in kept for line in _THEIRS.splitlines())  # in this order


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff/"), min_size=1),
        st.lists(st.sampled_from(["Drums|Kick", "Type|Loop", "Key|A♯", "Sounds|Ambience & FX"]), unique=True),
        max_size=4,
    )
)
def test_a_second_time_changes_nothing(wanted: dict[str, list[str]]):
    data, _ = tagged(_THEIRS, wanted)
    assert tagged(data, wanted) == (data, {})
    assert {name: read(data)[name] for name, keywords in wanted.items() if keywords and name not in read(_THEIRS)} == {
        name: keywords for name, keywords in wanted.items() if keywords and name not in read(_THEIRS)
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xef\xbb\xbf" + _THEIRS, "byte order mark"),
        (b'<?xml version="1.0"?>\n' + _THEIRS, "XML declaration"),
        (_THEIRS[:-20], "no XML that can be read"),
        (b"<other/>", "a form that is not known"),
        (b"<!DOCTYPE x>\n" + _THEIRS, "document type"),
        (_THEIRS.replace(b"<rdf:li>Mine</rdf:li>", b"").replace(b"<rdf:li>Key|C</rdf:li>", b""), None),
    ],
)
def test_a_file_of_another_form_is_left(data: bytes, reason: str | None):
    if reason is None:
        assert read(tagged(data, {"b.wav": ["Type|Loop"]})[0])["b.wav"] == ["Type|Loop"]
        return
    with pytest.raises(NotWrittenError, match=reason):
        tagged(data, {"b.wav": ["Type|Loop"]})


def test_keywords_are_those_of_live():
    assert keywords_of(LOOP) == ["Type|Loop", "Key|A", "Key|Minor"]
    assert keywords_of(ONE_SHOT) == ["Type|One Shot", "Sounds|Bass"]
