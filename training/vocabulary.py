"""Learns what is much and little for each instrument: the percentiles behind the words of `finding.vocabulary`.

`python -m training.vocabulary CORPUS CACHE` measures the recordings below CORPUS (one folder per source,
`_SOURCES`), the kits of Hydrogen and composed loops, and writes `samplemind_worker/reference.json` and
`docs/vocabulary.md`. It takes ten minutes on one core.
The samples are only measured; none of them becomes part of the project.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import json
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

import samplemind_worker
from samplemind_worker import dsp, reference
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.dsp.character import character
from samplemind_worker.finding import vocabulary
from training import bank, collection, material, studio

F32 = npt.NDArray[np.float32]
Rows = dict[str, list[dict[str, float]]]

SR = 22050
_A_SOURCE, _A_KIND, _A_PART, _LOOPS, _SONGS = 250, 200, 60, 700, 100
_STEPS = 20
_HOLDS = 0.3  # of a group: a word may hold for a third at most
_DATA = Path(samplemind_worker.__file__).parent / "reference.json"
_PAGE = Path(samplemind_worker.__file__).parents[1] / "docs" / "vocabulary.md"
_LONGER: Final = {"drum_loop": "loop", "music_loop": "loop", "song": "track"}

_KIT = (
    ("rim", r"rim|side ?stick"),
    ("kick", r"kick|kdrum"),
    ("snare", r"snare"),
    ("hat_open", r"hi?-?hat.?open|hihat/.*open"),
    ("hat_closed", r"hi?-?hat"),
    ("tom", r"tom"),
    ("ride", r"ride"),
    ("crash", r"crash|china"),
    ("clap", r"clap"),
    ("cowbell", r"cowbell"),
    ("shaker", r"shaker|cabassa|maracas"),
    ("perc", r"bongo|conga|cajon|castanets|claves|darbuka|tambourine"),
)
_ORCHESTRA = (
    ("brass", r"trombone|french horn"),
    ("flute", r"flute"),
    ("strings", r"cello.*(arco|normal)|double bass.*arco"),
    ("guitar", r"guitar|banjo|mandolin"),
    ("kick", r"bass drum"),
    ("snare", r"snare drum"),
    ("crash", r"chinese cymbal|clash cymbals|suspended cymbal|sizzle cymbal"),
    ("tom", r"tom-toms|tenor drum|surdo"),
    ("cowbell", r"cowbell"),
    ("shaker", r"shaker|cabasa|sleigh"),
    ("bell", r"bell tree|triangle"),
    ("perc", r"djembe|djundjun|woodblock|tambourine|guiro|castanets|agogo|whip"),
)
_SOURCES: Final[Mapping[str, tuple[str, tuple[tuple[str, str], ...]]]] = {
    "open-source-drumkit": ("public domain", _KIT),
    "muldjord": ("CC BY 4.0", _KIT),
    "billie": ("CC0", _KIT),
    "world-percussion": ("CC0", _KIT),
    "philharmonia": ("free to use", _ORCHESTRA),
    "upright-kw": ("CC0", (("piano", r"."),)),
    "piano-wav": ("public domain", (("piano", r"."),)),
    "bass-yr": ("CC0", (("bass", r"."),)),
    "guitar-fsbs": ("CC0", (("guitar", r"."),)),
    "spanish-guitar": ("CC0", (("guitar", r"."),)),
}
"""Folders below CORPUS, their licences, and which names are which instrument; the first pattern that fits counts."""
_COLLECTION = "webaudiofont"
_PARTS: Final = {"hat": "hat_closed", "open": "hat_open", "conga": "perc"}


def _facts(y: F32, width: float | None, *, kind: str, instrument: str | None) -> tuple[AudioFacts, AnalysisFacts]:
    features = dsp.compute_features(y, sr=SR)
    audio = AudioFacts.model_construct(channels=1 if width is None else 2, width=width)
    analysis = AnalysisFacts.model_construct(
        kind=kind,
        instrument=instrument,
        character=character(features),
        spectral_features=features.summary,
    )
    return audio, analysis


def _cut(y: F32) -> F32:
    """Begin with the sound, end where it has fallen by 55 dB, and last ten seconds at most; (n, channels)."""
    loudness = np.abs(y).max(axis=1)
    loud = np.flatnonzero(loudness > loudness.max(initial=0.0) * 10 ** (-55 / 20))
    return y[loud[0] : min(int(loud[-1]) + 1, int(loud[0]) + 10 * SR)] if len(loud) else y[:0]


def _read(path: Path) -> tuple[F32, float | None] | None:
    """Read a recording: mono at 22.05 kHz, and its stereo width."""
    try:
        y, sr = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return None
    y = _cut(np.asarray(soxr.resample(y[:, :2], sr, SR), np.float32))
    if len(y) < 200:
        return None
    width = None
    if y.shape[1] == 2:
        (left, product), (_, right) = y.T @ y
        scale = float(np.sqrt(left * right))
        width = min(max((1.0 - float(product) / scale) / 2.0, 0.0), 1.0) if scale > 0.0 else 0.0
    return y.mean(axis=1), width


def _recorded(corpus: Path, rng: np.random.Generator) -> Iterator[tuple[str, F32, float | None]]:
    """Yield the recordings of `_SOURCES`, at most 250 of each instrument of a source."""
    for source, (_, patterns) in _SOURCES.items():
        found: dict[str, list[Path]] = defaultdict(list)
        for path in sorted((corpus / source).rglob("*")):
            if path.suffix.lower() not in {".wav", ".flac", ".mp3"}:
                continue
            name = path.relative_to(corpus / source).as_posix().lower()
            instrument = next((one for one, pattern in patterns if re.search(pattern, name)), None)
            if instrument is not None:
                found[instrument].append(path)
        for instrument, paths in found.items():
            for k in rng.permutation(len(paths))[:_A_SOURCE]:
                read = _read(paths[k])
                if read is not None:
                    yield instrument, *read


def _hydrogen() -> Iterator[tuple[str, F32, float | None]]:
    """Yield the drums of all kits of Hydrogen, by their names."""
    for folder in sorted(bank.HYDROGEN.iterdir()):
        for path in sorted(folder.iterdir()):
            name = re.sub(r"[_\W\d]+", " ", path.stem.lower())
            part = next((one for one, pattern in bank.NAMED if re.search(pattern, name)), None)
            read = _read(path) if part is not None and path.suffix.lower() in {".wav", ".flac"} else None
            if part is not None and read is not None:
                yield _PARTS.get(part, part), *read


def _sampled(drums: bank.Bank, rng: np.random.Generator) -> Iterator[tuple[str, F32]]:
    """Yield drums of the bank, at most 60 of a part, each once."""
    found: dict[str, dict[bytes, F32]] = defaultdict(dict)
    for kit in drums.kits:
        for part, hits in kit.items():
            for layer in [layer for layers in hits for layer in layers]:
                found[_PARTS.get(part, part)][layer.tobytes()] = (layer / 30000.0).astype(np.float32)
    for part, known in found.items():
        each = list(known.values())
        for k in rng.permutation(len(each))[:_A_PART]:
            yield part, each[k]


def _composed(drums: bank.Bank) -> Iterator[tuple[str, F32]]:
    """Yield loops as they are cut from projects, and songs."""
    here = studio.Studio(drums, [])
    for seed in range(_LOOPS):
        clip = studio.project(seed, here)
        yield ("drum_loop" if clip.name.split()[-2] in {"drums", "top"} else "music_loop"), clip.y
    for seed in range(_SONGS):
        yield "song", material.track(np.random.default_rng((14, seed))).y


def measure(corpus: Path, cache: Path) -> Rows:
    """Measure everything: a list of measures per instrument."""
    rng, rows = np.random.default_rng(14), defaultdict[str, list[dict[str, float]]](list)

    def add(instrument: str, y: F32, width: float | None) -> None:
        if np.abs(y).max(initial=0.0) > 1e-3:
            kind = _LONGER.get(instrument, "one_shot")
            rows[instrument].append(
                reference.measures_of(*_facts(np.ascontiguousarray(y), width, kind=kind, instrument=instrument))
            )

    for instrument, y, width in _recorded(corpus, rng):
        add(instrument, y, width)
    for instrument, y, width in _hydrogen():
        add(instrument, y, width)
    collected: dict[tuple[str, str], int] = defaultdict(int)
    for y, truth in collection.sounds(rng, corpus / _COLLECTION / "sound"):
        if truth["name"] in {None, "other"} or collected[truth["name"], truth["font"]] >= 60:
            continue
        collected[truth["name"], truth["font"]] += 1
        add(truth["name"], y, None)
    drums = bank.load(cache)
    for instrument, y in chain(_sampled(drums, rng), _composed(drums)):
        add(instrument, y, None)
    return dict(rows)


def _percentiles(rows: list[dict[str, float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for name in reference.MEASURES:
        values = [row[name] for row in rows if name in row]
        if len(values) >= reference.FEWEST:
            steps = np.percentile(values, np.linspace(0.0, 100.0, _STEPS + 1))
            found[name] = [float(f"{step:.3g}") for step in steps]
    return found


def groups_of(rows: Rows) -> Rows:
    """Return the sounds of each group: instruments, kinds, everything; of an instrument at most 200 count there."""
    rng = np.random.default_rng(15)
    groups: Rows = {name: found for name, found in rows.items() if len(found) >= reference.FEWEST}
    kinds: Rows = defaultdict(list)
    for name, found in rows.items():
        some = [found[k] for k in rng.permutation(len(found))[:_A_KIND]]
        kinds[_LONGER.get(name, "one_shot")] += some
        kinds[reference.EVERYTHING] += some
    return groups | {name: found for name, found in kinds.items() if len(found) >= reference.FEWEST}


def learn(rows: Rows) -> dict[str, Any]:
    """Return percentiles and thresholds."""
    groups = groups_of(rows)
    data: dict[str, Any] = {
        "groups": {
            name: {"sounds": len(found), "percentiles": _percentiles(found)} for name, found in sorted(groups.items())
        },
        "words": {},
    }
    reference.load.cache_clear()
    _DATA.write_text(json.dumps(data))
    for word in vocabulary.WORDS.values():
        data["words"][word.name] = {
            name: threshold
            for name, found in sorted(groups.items())
            if (threshold := _threshold(word, name, found)) is not None
        }
    return data


def _threshold(word: vocabulary.Word, group: str, rows: list[dict[str, float]]) -> float | None:
    """Return the degree that less than a third of the sounds of a group exceed; None where the word says nothing."""
    kind = _LONGER.get(group, group if group in {"loop", "track"} else "one_shot")
    known = [row for row in rows if all(part.measure in row for part in word.parts)]
    if not word.parts or len(known) < reference.FEWEST or (group != reference.EVERYTHING and kind not in word.kinds):
        return None
    degrees = np.array([vocabulary.degree(word, group, row) for row in known])
    if not degrees.any():
        return None
    # Rounded up: what lies at the threshold does not exceed it.
    return max(0.5, math.ceil(1000.0 * float(np.quantile(degrees, 1.0 - _HOLDS, method="higher"))) / 1000.0)


def write(data: dict[str, Any]) -> None:
    """Write the data and the page."""
    lines = ['{"groups": {']
    groups = data["groups"]
    lines.append(",\n".join(f'"{name}": {json.dumps(group)}' for name, group in groups.items()))
    lines.append('}, "words": {')
    lines.append(",\n".join(f'"{name}": {json.dumps(found)}' for name, found in data["words"].items()))
    lines.append("}}\n")
    _DATA.write_text("\n".join(lines))
    reference.load.cache_clear()
    _PAGE.write_text(page())


_INTRODUCTION = """# The words that sounds are found by

`search "dark punchy kick"` understands the words below. Each is defined by what is measured in the sound, compared with
recorded sounds of the same instrument: a kick is dark among kicks, a hi-hat among hi-hats. Where an instrument is not
known or too few of its sounds were measured, its kind (one-shots, loops, tracks) or all sounds stand in.

- A word says of one measure or of two whether there is more or less of it than usual. Its *degree* is the share of the
  sounds on the other side; of two measures it is the mean, and 0 if one of them lies on the wrong side of the middle.
- A word holds above a threshold, which is chosen so that it holds for at most a third of the sounds of an instrument
  that were measured. Its strength is 0 at the threshold and 1 where no sound has more.
- Opposites are the same measures the other way: they never hold together.
- Words for much treble (airy, bright, cold, harsh) and for little (dark, mellow, muffled, warm) never hold together,
  either: of those that would, the side of the strongest one is kept.
- "At least" and "at most" are what there must and may be of a measure at all: no hi-hat is deep because others have
  even less below 63 Hz, and no song is sparse because others have even more onsets.

This page and `samplemind_worker/reference.json` are written by `python -m training.vocabulary`; a test compares them.
"""


def page() -> str:
    """Return `docs/vocabulary.md` as the data and the definitions have it."""
    return "\n".join([_INTRODUCTION, *_word_table(), "", *_limits(), "", *_counts(), ""])


def _word_table() -> list[str]:
    lines = [
        "## The words",
        "",
        "| word | means | opposite | also understood | of |",
        "| --- | --- | --- | --- | --- |",
    ]
    for word in sorted(vocabulary.WORDS.values(), key=lambda word: word.name):
        parts = [
            f"{'more' if part.more else 'less'} `{part.measure}`"
            + (f" (at least {part.least:g})" if part.least else "")
            + (f" (at most {part.most:g})" if part.most else "")
            for part in word.parts
        ]
        meaning = ", ".join(parts) or ("two channels that differ" if word.name == "stereo" else "no two that differ")
        of = {1: "one-shots", 2: "loops, tracks", 3: "all"}[len(word.kinds)]
        lines.append(f"| {word.name} | {meaning} | {word.opposite or ''} | {' '.join(word.synonyms)} | {of} |")
    return lines


_TABLES: Final = (
    (
        "Brightness, noise, width",
        ("brightness_hz", "attack_brightness_hz", "click", "noisiness_db", "tonalness", "sheen_db", "width"),
    ),
    ("Time", ("attack_seconds", "decay_seconds", "length_seconds", "roominess", "sustain", "onsets_per_second")),
    ("Level", ("crest_db", "transient_db", "modulation_db")),
    (
        "Balance",
        (
            "sub_share",
            "bottom_share",
            "low_mid_share",
            "weight_share",
            "mid_share",
            "high_share",
            "air_share",
        ),
    ),
)


def _limits() -> list[str]:
    """Show between which values the middle of each group lies: less and more is what words mean."""
    groups = reference.load()["groups"]
    lines = [
        "## The limits",
        "",
        "Each cell has the values that 30 % and 70 % of the sounds lie below: a word of one measure holds outside.",
    ]
    for title, names in _TABLES:
        lines += ["", f"### {title}", "", *(f"- `{name}`: {reference.MEASURES[name].label}" for name in names), ""]
        lines += [f"| of | {' | '.join(f'`{name}`' for name in names)} |", f"| --- |{' --- |' * len(names)}"]
        for group, found in groups.items():
            cells = [_middle(name, found["percentiles"].get(name)) for name in names]
            lines.append(f"| {reference.noun(group)} | {' | '.join(cells)} |")
    return lines


def _middle(measure: str, steps: list[float] | None) -> str:
    if steps is None:
        return ""
    low, high = (reference.MEASURES[measure].written(steps[k * _STEPS // 10]) for k in (3, 7))
    unit = f" {reference.MEASURES[measure].unit}"
    return f"{low.removesuffix(unit)} to {high}" if high.endswith(unit) else f"{low} to {high}"


def _counts() -> list[str]:
    groups = reference.load()["groups"]
    sources = ", ".join(f"{name} ({licence})" for name, (licence, _) in _SOURCES.items())
    counts = ", ".join(f"{found['sounds']} {reference.noun(name)}" for name, found in groups.items())
    return [
        "## What was measured",
        "",
        f"{counts}.",
        "",
        f"Recordings: {sources},",
        "the drum kits of Hydrogen (Debian's hydrogen-drumkits), samples of soundfonts in webaudiofontdata, drums of",
        "five General MIDI soundfonts. Loops are composed by `training/studio.py` of sampled drums and notes, songs by",
        "`training/material.py`: what is usual there may not be what is usual in a library. No recording is part of",
        "the project.",
        "",
        "## Thresholds of the degrees",
        "",
        "| word | threshold in each group |",
        "| --- | --- |",
        *(
            f"| {name} | {', '.join(f'{group} {threshold:g}' for group, threshold in found.items())} |"
            for name, found in sorted(reference.load()["words"].items())
            if found
        ),
    ]


if __name__ == "__main__":
    write(learn(measure(Path(sys.argv[1]), Path(sys.argv[2]))))
