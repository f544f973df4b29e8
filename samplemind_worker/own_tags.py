"""The mark by which SampleMind knows again what it has written into a file itself.

A tag that repeats an answer must not confirm it when the file is analysed anew. So whoever writes tags adds one more
text field, ``SAMPLEMIND``, which lists the values and where they are: ``tags.bpm=128; info.bpm=128; acid.beats=8``. A
value that another program has changed since differs from the mark, and counts as that program's.
"""

from collections.abc import Mapping
from typing import Any, Final

FIELD: Final = "samplemind"
"""The name of the field, as `metadata.tags.read` returns it."""
_TAGS: Final = ("id3", "vorbis", "tags")
"""Sources whose fields the mark calls ``tags``: one file has one of them."""
_SAME: Final = 0.005
"""Half of the last decimal of a tempo."""


def read(mark: str) -> dict[str, str]:
    """Return the values of a mark by place; what is no part of one is left out."""
    parts = (part.partition("=") for part in mark.split(";"))
    return {place.strip(): text.strip() for place, sign, text in parts if sign}


def packed(written: Mapping[str, str]) -> str:
    """Return the mark for values by place."""
    return "; ".join(f"{place}={text}" for place, text in written.items())


def of_others(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was read of a file without what SampleMind wrote: None in chunks, no field among texts."""
    own: dict[str, str] = {}
    for source in _TAGS:
        own |= read(metadata.get(source, {}).get(FIELD, ""))
    if not own:
        return dict(metadata)
    return {source: _of_others(source, found, own) for source, found in metadata.items()}


def _of_others(source: str, found: Any, own: Mapping[str, str]) -> Any:
    prefix = "tags" if source in _TAGS else source
    if not isinstance(found, Mapping) or not any(place.startswith(f"{prefix}.") for place in own):
        return found
    is_text = source in (*_TAGS, "info")
    left = {name: None if _says(value, own.get(f"{prefix}.{name}")) else value for name, value in found.items()}
    return {name: value for name, value in left.items() if value is not None} if is_text else left


def _says(value: Any, written: str | None) -> bool:
    if written is None or str(value).strip() == written:
        return written is not None
    try:
        return abs(float(value) - float(written)) < _SAME
    except (TypeError, ValueError):
        return False
