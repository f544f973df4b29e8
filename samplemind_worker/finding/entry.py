"""Makes library entries from the record, and keeps them true."""

import struct
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from posixpath import basename, dirname, splitext
from typing import Any, Final

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.moments import moment
from samplemind_worker.finding import terms, vocabulary
from samplemind_worker.pitches import PITCH_CLASSES
from samplemind_worker.store import entries, mongo, stale
from samplemind_worker.store.entries import Source

_PAGE: Final = 500
_CLEAR: Final = 0.8  # strength of a descriptor at which its word counts as strong
_SUMMARY_WORDS: Final = 60
_LOCAL: Final = "local"  # the provider of what the local describer wrote
_TAGS: Final = 32
_SORTED: Final = 100  # characters of a name by which it is sorted
_NO_AUDIO: Final = AudioFacts.model_construct()
_NO_ANALYSIS: Final = AnalysisFacts.model_construct()
_TONICS: Final = {name: tonic for tonic, name in enumerate(PITCH_CLASSES)}


def entry_of(source: Source) -> dict[str, Any]:
    """Return the entry of one content, without its id and ticket."""
    audio, analysis = source.audio, source.analysis
    places = sorted((f"{place['root'].rstrip('/')}/{place['path']}", place["root"]) for place in source.places)
    paths = [path for path, _ in places]
    key, added_at = analysis.get("key"), audio.get("uploaded_at") or analysis["analyzed_at"]
    entry = {
        "name": basename(paths[0]).casefold()[:_SORTED] if paths else "",
        "kind": analysis.get("kind"),
        "instrument": analysis.get("instrument"),
        "sure": {
            name: round(sure, 3)
            for name in ("kind", "instrument", "tempo", "key")
            if (sure := analysis.get(f"{name}_confidence")) is not None
        },
        "tempo": analysis.get("tempo"),
        "tempo_runner_up": _runner_up(analysis, "tempo", lambda each: each["tempo"]),
        "key": None if key is None else _TONICS.get(key),
        "mode": analysis.get("mode"),
        "camelot": analysis.get("camelot"),
        "key_runner_up": _runner_up(analysis, "key", lambda each: f"{each['key']} {each['mode']}"),
        "chord": (analysis.get("chord") or {}).get("name"),
        "duration": audio["duration"],
        "loudness": audio.get("loudness_lufs"),
        "brightness": (analysis.get("character") or {}).get("brightness_hz"),
        "pitch": analysis.get("pitch_midi"),
        "tuning": analysis.get("tuning_cents" if analysis.get("pitch_midi") is None else "pitch_cents"),
        "size": audio["file_size"],
        "descriptors": _descriptors(source),
        "tags": sorted({*audio.get("tags", ()), *analysis.get("ai_tags", ())})[:_TAGS],
        "user_tags": [tag["name"] for tag in source.marks.get("tags", ())],
        "collections": sorted(source.marks.get("collections", ())),
        "paths": paths,
        "roots": [len(root.rstrip("/")) for _, root in places],
        "packs": sorted({_pack_of(place) for place in source.places} - {""}),
        "batches": list(source.batches),
        "vector": _packed(analysis.get("vector")),
        "recipe": analysis.get("vector_version"),
        "added_at": added_at,
        "moment": moment(added_at, audio["_id"]),
    }
    entry["terms"] = _terms_of(entry, source)
    return entry


def _runner_up(analysis: Mapping[str, Any], name: str, written: Callable[[Any], Any]) -> Any:
    """Return the second most likely tempo or key of a sound that has one; the first may have been weighed against."""
    candidates = analysis.get(f"{name}_candidates") or ()
    if analysis.get(name) is None:
        return None
    chosen = written({"tempo": analysis.get("tempo"), "key": analysis.get("key"), "mode": analysis.get("mode")})
    return next((other for each in candidates if (other := written(each)) != chosen), None)


def _packed(vector: Sequence[float] | None) -> bytes | None:
    """Return a vector as half-precision numbers: ranks hardly change, and entries stay narrow."""
    return None if vector is None else struct.pack(f"<{len(vector)}e", *vector)


def _descriptors(source: Source) -> dict[str, float]:
    """Return the words that hold for the measured sound; the facts are as narrow as the source."""
    audio, analysis = source.audio, source.analysis
    return vocabulary.words_of(
        _NO_AUDIO.model_copy(update={"channels": audio["channels"], "width": audio.get("width")}),
        _NO_ANALYSIS.model_copy(
            update={
                "kind": analysis.get("kind"),
                "instrument": analysis.get("instrument"),
                "character": analysis.get("character") or {},
                "spectral_features": analysis.get("spectral_features") or {},
            }
        ),
    )


def _pack_of(place: Mapping[str, Any]) -> str:
    """Return the folder directly below the root, or the root's own name for a file that lies in the root."""
    first, slash, _ = place["path"].partition("/")
    return first if slash else basename(place["root"].rstrip("/"))


def _terms_of(entry: Mapping[str, Any], source: Source) -> list[str]:
    strong = {word for path in entry["paths"] for word in terms.words_of(splitext(basename(path))[0])}
    strong |= set(terms.words_of(f"{entry['instrument'] or ''} {entry['kind'] or ''}"))
    strong |= {word for tag in entry["user_tags"] for word in terms.words_of(tag)}
    strong |= {word for word, strength in entry["descriptors"].items() if strength >= _CLEAR}
    weak = set(entry["descriptors"])
    weak |= {word for place in source.places for word in terms.words_of(_folder_text(place))}
    weak |= {word for tag in entry["tags"] for word in terms.words_of(tag)}
    weak |= set(_summary_words(source.analysis))
    found = terms.strong(strong) + list(weak - strong)
    for path in entry["paths"]:
        found.append(terms.value("in", terms.digest(path)))
        found += _folder_terms(dirname(path))
    found += [terms.value("tag", terms.fold_name(tag)) for tag in [*entry["tags"], *entry["user_tags"]]]
    found += [terms.value("collection", each) for each in entry["collections"]]
    found += [terms.value("batch", batch) for batch in entry["batches"]]
    found += [terms.value(field, entry[field]) for field in ("kind", "instrument") if entry[field]]
    if entry["chord"]:
        # Whoever asks for Bm7 wants Bm7/F#, too.
        found += [terms.value("chord", name) for name in (entry["chord"], entry["chord"].partition("/")[0])]
    if entry["key"] is not None:
        found.append(terms.key_value(entry["key"], entry["mode"]))
    found += [terms.number_value(field, entry[field]) for field in terms.STEPPED if entry[field] is not None]
    return sorted(set(found))


def _summary_words(analysis: Mapping[str, Any]) -> list[str]:
    """Return the first words of a summary.

    A text of the local describer says in its first sentence what the sound is; the others are measures, comparisons and
    advice, whose words most texts share. It uses words of the vocabulary by limits of its own, and its numbers and
    single letters belong to measures: whoever looks for 808 wants no sound that reaches up to 808 Hz.
    """
    text, is_local = analysis.get("ai_summary") or "", analysis.get("ai_provider") == _LOCAL
    words = terms.words_of(text.partition(". ")[0] if is_local else text)[:_SUMMARY_WORDS]
    if not is_local:
        return list(words)
    return [word for word in words if len(word) > 1 and not word.isdecimal() and vocabulary.lookup(word) is None]


def _folder_text(place: Mapping[str, Any]) -> str:
    """Return the folders of a place: those below its root, and the name of the root."""
    return f"{basename(place['root'].rstrip('/'))}/{dirname(place['path'])}"


@lru_cache(maxsize=1024)
def _folder_terms(folder: str) -> list[str]:
    """Return the terms of a folder and of those above it: each by its path and by its name."""
    folders = [*terms.folders_above(folder), folder]
    found = [terms.value("in", terms.digest(path)) for path in folders if path != "/"]
    return found + [terms.value("folder", terms.fold_name(basename(path))) for path in folders if path != "/"]


def refresh(file_ids: Sequence[str]) -> None:
    """Make the entries of some contents anew; those of contents that lie nowhere or have no analysis are deleted."""
    for start in range(0, len(file_ids), _PAGE):
        page = list(dict.fromkeys(file_ids[start : start + _PAGE]))
        reading = entries.read(page)
        made = {key: entry_of(source) for key, source in reading.sources.items()}
        entries.write(reading, made, contents=page)


def refresh_marked(*, seconds: float | None = None) -> int:
    """Make the entries of all marked contents anew, and return their number; stops after ``seconds``."""
    until = None if seconds is None else time.monotonic() + seconds
    after, done = "", 0
    while page := stale.marked(after=after, limit=_PAGE):
        refresh(page)
        after = page[-1]
        done += len(page)
        if until is not None and time.monotonic() > until:
            break
    return done


def build(
    *, anew: bool = False, seconds: float | None = None, on_progress: Callable[[int], None] | None = None
) -> bool:
    """Make all entries, unless they are made; return whether they are. It may be interrupted, and continues.

    With ``anew`` they are made from the beginning. Stops after ``seconds``; ``on_progress`` gets the contents of each
    page.
    """
    until = None if seconds is None else time.monotonic() + seconds
    after = entries.begin(anew=anew)
    if after is None:
        return True
    if not after:
        # A record from before there were entries has no indexes for them either.
        mongo.make_indexes()
        mongo.drop_replaced_indexes()
    while page := entries.next_contents(after=after, limit=_PAGE):
        refresh(page)
        after = page[-1]
        entries.advance(after)
        if on_progress is not None:
            on_progress(len(page))
        if until is not None and time.monotonic() > until:
            return False
    entries.finish()
    return True
