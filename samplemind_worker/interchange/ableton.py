"""The target ``ableton``: the tags of Live 12, in one XMP file per folder.

The format is not documented. What is known of it is from open readers and writers (LiveTagger, ableton-tag-importer and
others, named in ``docs/interchange.md``): the file has no XML declaration and no byte order mark, lines end with LF, a
keyword is ``Category|Tag`` or ``Category|Tag|Subtag``, and Live spells sharps with the sign for it. Keywords are added
by splicing the text of the file, so that all else keeps its bytes and its order.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.changes import Change
from samplemind_worker.interchange.files import opened, translated
from samplemind_worker.interchange.journal import Run
from samplemind_worker.interchange.selection import Sample
from samplemind_worker.interchange.tags import Tags
from samplemind_worker.interchange.targets import Options, Outcome
from samplemind_worker.pitches import PITCH_CLASSES

FOLDER: Final = "Ableton Folder Info"
NAME: Final = "dc66a3fa-0fe1-5352-91cf-3ec237e9ee90.xmp"

_ABLETON: Final = "https://ns.ableton.com/xmp/fs-resources/1.0/"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_MOST_BYTES: Final = 64 << 20
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_INSTRUMENTS: Final = {
    "kick": "Drums|Kick", "snare": "Drums|Snare", "rim": "Drums|Snare|Rim", "clap": "Drums|Clap",
    "hat_closed": "Drums|Hihat|Closed Hihat", "hat_open": "Drums|Hihat|Open Hihat", "tom": "Drums|Tom",
    "crash": "Drums|Cymbal|Crash", "ride": "Drums|Cymbal|Ride", "shaker": "Drums|Percussion|Shaker",
    "cowbell": "Drums|Percussion|Cowbell", "perc": "Drums|Percussion",
    "bass": "Sounds|Bass", "synth": "Sounds|Synth", "piano": "Sounds|Piano & Keys|Piano",
    "organ": "Sounds|Piano & Keys|Organ", "guitar": "Sounds|Guitar & Plucked|Guitar", "strings": "Sounds|Strings",
    "brass": "Sounds|Brass", "sax": "Sounds|Woodwind|Sax", "flute": "Sounds|Woodwind|Flute",
    "bell": "Sounds|Mallets", "ambience": "Sounds|Ambience & FX", "fx": "Sounds|Ambience & FX",
}  # fmt: skip
"""Live's tags for instruments; voices and loops are left out, as their tags are not known."""
_KINDS: Final = {"one_shot": "Type|One Shot", "loop": "Type|Loop"}


def keywords_of(tags: Tags) -> list[str]:
    """Return the keywords of a sound."""
    found = [_KINDS[tags.kind]] if tags.kind in _KINDS else []
    if tags.instrument in _INSTRUMENTS:
        found.append(_INSTRUMENTS[tags.instrument])
    if tags.tonic is not None:
        found.append(f"Key|{PITCH_CLASSES[tags.tonic].replace('#', '♯')}")
        if tags.mode is not None:
            found.append(f"Key|{tags.mode.capitalize()}")
    return found


class Ableton:
    """Writes the tags of Live 12."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def write(self, samples: Iterable[Sample], run: Run | None) -> Iterator[Outcome]:
        """Add keywords to the file of each folder, or say which would be added."""
        folders: dict[Path, dict[str, list[str]]] = {}
        for sample in samples:
            if _NO_XML.search(sample.path.name):
                yield Outcome(sample.path, "left", reason="its name has characters that XML cannot hold")
                continue
            keywords = keywords_of(self._options.tags(sample))
            folders.setdefault(sample.path.parent, {})[sample.path.name] = keywords
        for folder, wanted in sorted(folders.items()):
            yield from _write(folder, wanted, run)


def _write(folder: Path, wanted: Mapping[str, list[str]], run: Run | None) -> Iterator[Outcome]:
    target = folder / FOLDER / NAME
    try:
        data = b""
        if target.exists():
            with translated(), opened(target) as file:
                data = file.read(_MOST_BYTES)
        new, added = tagged(data, wanted)
        change = _save(target, data, new, run) if new != data and run is not None else None
    except NotWrittenError as error:
        for name in wanted:
            yield Outcome(folder / name, "left", reason=f"{error} ({target})")
        return
    for name in wanted:
        yield Outcome(
            folder / name, "written" if added.get(name) else "unchanged", tuple(added.get(name, ())), change=change
        )


def _save(target: Path, data: bytes, new: bytes, run: Run) -> Change | None:
    if not data and not target.exists():
        return run.create(target, lambda draft: draft.write(new))

    def write(source: BufferedReader, draft: BufferedRandom) -> None:
        if source.read() != data:
            raise NotWrittenError("it changed meanwhile")
        draft.write(new)

    return run.replace(target, write)


@dataclass(slots=True)
class _Item:
    """An entry of the file: its name, its keywords, and where more of them can be put."""

    name: str = ""
    keywords: list[str] = field(default_factory=list[str])
    bag_end: int | None = None
    """Where the bag of keywords ends, as a byte of the file."""
    end: int = 0
    """Where the entry ends."""


class _Reader:
    """Reads entries and their positions."""

    def __init__(self, data: bytes) -> None:
        self.items: list[_Item] = []
        self.bag_end: int | None = None
        """Where the bag of entries ends."""
        self._path: list[str] = []
        self._text = ""
        self._parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._close
        self._parser.CharacterDataHandler = self._characters
        self._data = data
        self._parser.StartDoctypeDeclHandler = self._refuse
        try:
            self._parser.Parse(data, True)  # noqa: FBT003 -- expat takes no keywords
        except expat.ExpatError as error:
            raise NotWrittenError(f"its folder's tags are no XML that can be read: {error}") from error
        if self.bag_end is None:
            raise NotWrittenError("its folder's tags have a form that is not known")

    def _refuse(self, *_: object) -> None:
        raise NotWrittenError("its folder's tags declare a document type, which Live does not do")

    def _is_item(self, depth: int) -> bool:
        return self._path[-depth - 3 : len(self._path) - depth] == [f"{_ABLETON} items", f"{_RDF} Bag", f"{_RDF} li"]

    def _closing(self, at: int) -> int:
        if self._data[at : at + 2] != b"</":
            raise NotWrittenError("its folder's tags have a form that is not known: an empty list")
        return at

    def _start(self, name: str, _: object) -> None:
        self._path.append(name)
        self._text = ""
        if self._is_item(0):
            self.items.append(_Item())

    def _characters(self, text: str) -> None:
        self._text += text

    def _close(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        if self._is_item(1) and name == f"{_ABLETON} filePath":
            self.items[-1].name = self._text
        elif self._is_item(3) and self._path[-3] == f"{_ABLETON} keywords":
            self.items[-1].keywords.append(self._text)
        elif self._is_item(2) and self._path[-2] == f"{_ABLETON} keywords" and name == f"{_RDF} Bag":
            self.items[-1].bag_end = self._closing(at)
        elif self._is_item(0):
            self.items[-1].end = self._closing(at)
        elif self._path[-2:] == [f"{_ABLETON} items", f"{_RDF} Bag"]:
            self.bag_end = self._closing(at)
        self._path.pop()
        self._text = ""


def tagged(data: bytes, wanted: Mapping[str, list[str]]) -> tuple[bytes, dict[str, list[str]]]:
    """Return the file of a folder with keywords added, and those that were added, by file name.

    A category of which the file has a tag already is left alone, but for ``Drums`` and ``Sounds``.

    Raises
    ------
    NotWrittenError
        If the file has another form than the known one.
    """
    if not data.strip():
        data = _empty()
    if data.startswith(b"\xef\xbb\xbf") or data.lstrip().startswith(b"<?xml"):
        raise NotWrittenError(
            "its folder's tags have a form that is not known: an XML declaration or a byte order mark"
        )
    reader = _Reader(data)
    items = {item.name: item for item in reader.items}
    splices: list[tuple[int, str]] = []
    added: dict[str, list[str]] = {}
    entries = ""
    for name, keywords in wanted.items():
        item = items.get(name)
        new = _missing(keywords, [] if item is None else item.keywords)
        if not new:
            continue
        added[name] = new
        if item is None:
            entries += _entry(name, new)
        elif item.bag_end is not None:
            indent = _indent(data, item.bag_end)
            splices.append((item.bag_end, "".join(f"   {_li(each)}\n{indent}" for each in new)))
        else:
            indent = _indent(data, item.end)
            splices.append((item.end - len(indent), _bag(new, indent + "   ")))
    assert reader.bag_end is not None  # noqa: S101 -- asked when it was read
    if entries:
        # Before the indentation of the closing tag.
        at = reader.bag_end - len(_indent(data, reader.bag_end))
        splices.append((at, entries if data[at - 1 : at] == b"\n" else "\n" + entries))
    for at, text in sorted(splices, reverse=True):
        data = data[:at] + text.encode() + data[at:]
    return data, added


def _missing(keywords: Iterable[str], there: list[str]) -> list[str]:
    taken = {keyword.partition("|")[0] for keyword in there} - {"Drums", "Sounds"}
    # `Drums|Snare|Rim` says all that `Drums|Snare` does.
    return [
        each
        for each in keywords
        if each not in there
        and each.partition("|")[0] not in taken
        and not any(held.startswith(each + "|") for held in there)
    ]


def _indent(data: bytes, at: int) -> str:
    line = data[:at].rpartition(b"\n")[2]
    return line.decode() if not line.strip() else ""


def _li(keyword: str) -> str:
    return f"<rdf:li>{escape(keyword)}</rdf:li>"


def _bag(keywords: list[str], indent: str) -> str:
    lines = "".join(f"{indent}      {_li(each)}\n" for each in keywords)
    return f"{indent}<ablFR:keywords>\n{indent}   <rdf:Bag>\n{lines}{indent}   </rdf:Bag>\n{indent}</ablFR:keywords>\n"


def _entry(name: str, keywords: list[str]) -> str:
    indent = " " * 15
    return (
        f'{indent}<rdf:li rdf:parseType="Resource">\n'
        f"{indent}   <ablFR:filePath>{escape(name)}</ablFR:filePath>\n"
        f"{_bag(keywords, indent + '   ')}"
        f"{indent}</rdf:li>\n"
    )


def _empty() -> bytes:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 6.0.0">
   <rdf:RDF xmlns:rdf="{_RDF}">
      <rdf:Description rdf:about=""
            xmlns:dc="http://purl.org/dc/elements/1.1/"
            xmlns:ablFR="{_ABLETON}"
            xmlns:xmp="http://ns.adobe.com/xap/1.0/">
         <dc:format>application/vnd.ableton.folder</dc:format>
         <ablFR:resource>folder</ablFR:resource>
         <ablFR:items>
            <rdf:Bag>
            </rdf:Bag>
         </ablFR:items>
         <xmp:CreatorTool>SampleMind</xmp:CreatorTool>
         <xmp:CreateDate>{now}</xmp:CreateDate>
         <xmp:MetadataDate>{now}</xmp:MetadataDate>
      </rdf:Description>
   </rdf:RDF>
</x:xmpmeta>
""".encode()
