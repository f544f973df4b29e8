"""The card of one file: its waveform, what it is, how sure that is and why, and what was written about it.

It begins with what a producer asks first; `show --all` has every value of the record.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from samplemind_cli import layout, output
from samplemind_cli.tables import key_of
from samplemind_worker.text import clean, plural

Report = dict[str, Any]

_LABEL = 13  # cells of the left column
_WIDEST = 100  # a longer line is hard to read
_NARROWEST = 40
_BARS = " ▁▂▃▄▅▆▇█"
_CLOSE = 0.35  # of the best candidate's score: from here on the next one is worth a word
_WORDS = 6  # those of the sound
_CHORDS = 8  # of a progression
_CERTAIN = 0.99  # nothing is: above it no number is given
_KINDS = {"one_shot": "one-shot", "loop": "loop", "track": "track"}
_EIGHTHS = 8
_BACKBEATS = {"normal": "snare on 2 and 4", "half_time": "half-time feel", "double_time": "double-time feel"}
_SOURCES = {
    "audio": "the sound",
    "filename": "its name",
    "folder": "its folder",
    "acid": "an ACID chunk",
    "apple_loop": "an Apple Loop chunk",
    "smpl": "a sampler chunk",
    "inst": "an instrument chunk",
    "id3": "ID3 tags",
    "vorbis": "Vorbis comments",
    "info": "an INFO chunk",
    "aiff": "AIFF chunks",
}
TEXTS = (("tips", "production_tips"), ("ideas", "creative_ideas"), ("in FL Studio", "fl_studio_recommendations"))


def print_card(report: Report) -> None:
    """Print the card of an analysed file."""
    width = min(max(output.screen_width() or 80, _NARROWEST), _WIDEST)
    output.write(clean(report["filename"]) + "\n")
    for line in _waveform(report.get("peaks") or [], width):
        output.write(f"{line}\n")
    for rows in (answers_of(report), details_of(report)):
        output.write("\n")
        for label, text in rows:
            _print_row(label, text, width)
    _print_texts(report, width)
    _print_hints(report)


def _print_hints(report: Report) -> None:
    """Say which commands know more."""
    short = report["file_id"][:12]
    fits = f"; fits it: `samplemind match {short}`" if report["tempo"] or report["key"] or report["pitch_note"] else ""
    output.note(f"sounds like it: `samplemind similar {short}`{fits}")
    output.note(f"every value: `samplemind show {short} --all`")


def _print_row(label: str, text: str, width: int, *, bullet: str = "") -> None:
    for number, line in enumerate(layout.wrap(clean(text), width - _LABEL - len(bullet))):
        start = f"{label:{_LABEL}}{bullet}" if not number else " " * (_LABEL + len(bullet))
        output.write(f"{start}{line}\n")


def _waveform(peaks: list[int], width: int) -> Iterator[str]:
    """Yield the line that shows a waveform, where the terminal has the letters for it."""
    if not peaks or not output.can_show(_BARS):
        return
    count = min(len(peaks), width)
    edges = [at * len(peaks) // count for at in range(count + 1)]
    levels = [max(peaks[start:end]) for start, end in pairwise(edges)]
    # What can be heard at all gets a bar.
    yield "".join(_BARS[-(-level * (len(_BARS) - 1) // 100)] for level in levels)


def answers_of(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what a producer asks first, by its label."""
    sources = report.get("provenance", {})
    kind = _KINDS.get(report["kind"], report["kind"])
    yield "kind", _answer(kind, report["kind_confidence"], sources.get("kind"))
    yield "tempo", _tempo(report)
    yield "key", _key(report)
    if report.get("chord") or report.get("chords"):
        yield "chord" if report.get("chord") else "chords", _chords(report)
    yield "pitch", _pitch(report)
    instrument = (report["instrument"] or "").replace("_", " ") or None
    yield "instrument", _answer(instrument, report["instrument_confidence"], sources.get("instrument"))
    yield from _form(report)
    if words := _sound_words(report):
        yield "sounds", ", ".join(words)
    if report.get("ai_summary"):
        yield "summary", report["ai_summary"]


def _form(report: Report) -> Iterator[tuple[str, str]]:
    """Yield rhythm, slices, sections and loop points, where there are any."""
    if rhythm := report.get("rhythm"):
        yield "rhythm", _rhythm(rhythm)
    if slices := report.get("slices"):
        yield "slices", f"{len(slices)}, from {slices[0]['time']:.3f} to {slices[-1]['time']:.3f} s"
    if sections := report.get("sections"):
        parts = [" ".join(filter(None, (one["label"], one["kind"], _clock(one["start"])))) for one in sections]
        yield "sections", ", ".join(parts)
    if loops := report.get("loop_points"):
        parts = [f"{plural(one['bars'], 'bar')} from {one['start']:.3f} to {one['end']:.3f} s" for one in loops]
        yield "loops", ", ".join(parts)


def _rhythm(rhythm: dict[str, Any]) -> str:
    parts = [f"{rhythm['density']:.1f} onsets per beat"]
    if rhythm["feel"] == "shuffled":
        notes = "eighths" if rhythm["swing_unit"] == _EIGHTHS else "sixteenths"
        parts.insert(0, f"shuffled, {notes} {rhythm['swing']:.2f} to 1")
    elif rhythm["feel"]:
        parts.insert(0, "straight")
    if rhythm["backbeat"] in _BACKBEATS:
        parts.append(_BACKBEATS[rhythm["backbeat"]])
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def details_of(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what else the card says of the file and its sound, by its label."""
    yield "loudness", _loudness(report)
    yield "format", _format(report)
    for number, place in enumerate(report.get("places") or [report["path"]]):
        yield "" if number else "place", place
    if report.get("gone_at"):
        yield "gone since", report["gone_at"]
    for statement in report.get("stated", ()):
        if not statement["believed"]:
            yield "not believed", _disbelieved(statement)
    if report.get("warnings"):
        yield "warnings", ", ".join(report["warnings"]).replace("_", " ")
    if report.get("tags"):
        yield "tags", ", ".join(report["tags"])


def _sound_words(report: Report) -> list[str]:
    """Return the words of the vocabulary that hold most for the sound; it can be searched by them."""
    from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding.vocabulary import words_of  # noqa: PLC0415 -- slow import

    found = words_of(AudioFacts.model_validate(report), AnalysisFacts.model_validate(report))
    return [word for word in found if word not in {"mono", "stereo"}][:_WORDS]  # the format says these


def _answer(value: str | None, confidence: float | None, source: str | None, *, otherwise: str | None = None) -> str:
    """Return an answer, how sure it is, where it is from, and what else it may be."""
    if value is None:
        return "not known"
    parts = [value]
    if confidence is not None:
        parts.append("over 99 % sure" if confidence > _CERTAIN else f"{100 * confidence:.0f} % sure")
    names = [_SOURCES.get(name, name) for name in (source or "audio").split("+")]
    parts.append("from " + " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names))
    if otherwise is not None:
        parts.append(f"or else {otherwise}")
    return ", ".join(parts)


def _tempo(report: Report) -> str:
    if report["tempo"] is None:
        return "none: a one-shot has no tempo" if report["kind"] == "one_shot" else "none: no steady pulse"
    value = f"{report['tempo']:.2f} BPM"
    if report["time_signature"]:
        value += " in {}/{}".format(*report["time_signature"])
    if report["beats_in_loop"]:
        value += f", {plural(report['beats_in_loop'], 'beat')} long"
    other = _runner_up(report["tempo_candidates"], report["tempo_confidence"])
    otherwise = None if other is None else f"{other['tempo']:.2f} BPM"
    return _answer(value, report["tempo_confidence"], report["provenance"].get("tempo"), otherwise=otherwise)


def _key(report: Report) -> str:
    if report["key"] is None and report.get("chord"):
        return "none: its chord has no third"
    if report["key"] is None:
        return (
            "none: a single note has a pitch, not a key" if report["pitch_note"] else "none: no tones that make a key"
        )
    value = f"{key_of(report)}" + (f" ({report['camelot']})" if report["camelot"] else "")
    other = _runner_up(report["key_candidates"], report["key_confidence"])
    otherwise = None if other is None else f"{other['key']} {other['mode']}"
    return _answer(value, report["key_confidence"], report["provenance"].get("key"), otherwise=otherwise)


def _chords(report: Report) -> str:
    """Return the chord of a one-shot, or the first chords of a progression with their degrees.

    "N.C." (no chord), as in chord charts, stands where none was heard between two.
    """
    if report.get("chord"):
        return _answer(report["chord"]["name"], report["chord"]["confidence"], None)
    names: list[str] = []
    for number, one in enumerate(report["chords"]):
        if number and one["start"] > report["chords"][number - 1]["end"]:
            names.append("N.C.")
        names.append(f"{one['name']} ({one['numeral']})")
    return " ".join(names[:_CHORDS]) + (" ..." if len(names) > _CHORDS else "")


def _runner_up(candidates: list[dict[str, Any]], confidence: float | None) -> dict[str, Any] | None:
    """Return the second candidate where it is nearly as likely as the first."""
    if len(candidates) < 2 or confidence is None:  # noqa: PLR2004 -- the first and the second
        return None
    return candidates[1] if candidates[1]["score"] >= _CLOSE * candidates[0]["score"] else None


def _pitch(report: Report) -> str:
    if report["pitch_note"] is None:
        tuning = report["tuning_cents"]
        if report["key"] is not None and tuning is not None:
            off = f"{tuning:+.0f} cents from" if round(tuning) else "to"
            return f"no single note; tuned {off} A = 440 Hz"
        return "none: no single note"
    value = report["pitch_note"]
    if report["pitch_cents"] is not None and round(report["pitch_cents"]):
        value += f" {report['pitch_cents']:+.0f} cents"
    return _answer(value, report["pitch_confidence"], report["provenance"].get("pitch"))


def _loudness(report: Report) -> str:
    if report["loudness_lufs"] is None and report["true_peak_dbtp"] is None:
        return "silent"
    loudness, peak = report["loudness_lufs"], report["true_peak_dbtp"]
    parts = [
        None if loudness is None else f"{loudness:.1f} LUFS",
        None if peak is None else f"true peak {peak:.1f} dBTP",
    ]
    return ", ".join(part for part in parts if part)


def _format(report: Report) -> str:
    channels = {1: "mono", 2: "stereo"}.get(report["channels"], f"{report['channels']} channels")
    return (
        f"{report['duration']:.2f} s, {report['format']} {report['subtype']}, {report['sample_rate'] / 1000:g} kHz, "
        f"{channels}, {output.in_bytes(report['file_size'])}"
    )


def _disbelieved(statement: dict[str, Any]) -> str:
    what = " ".join(str(part) for part in (statement["value"], statement["mode"]) if part is not None)
    source = _SOURCES.get(statement["source"], statement["source"])
    return f"{statement['about']} {what.replace('_', '-')}, which {source} would have it ({statement['text']})"


def _print_texts(report: Report, width: int) -> None:
    """Print what else was written about the sound, one paragraph per text."""
    if not report.get("ai_summary"):
        return
    writer = "the local describer" if report["ai_provider"] == "local" else report["ai_model"] or report["ai_provider"]
    output.write("\n")
    for label, name in TEXTS:
        for number, text in enumerate(report.get(name) or ()):
            _print_row("" if number else label, text, width, bullet="- ")
    to_come = f"; a model's text is to come ({report['ai_reason']})" if report["ai_state"] == "deferred" else ""
    _print_row("written by", writer + to_come, width)
