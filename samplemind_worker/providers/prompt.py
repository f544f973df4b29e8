"""Builds the prompt: instructions from ``config/prompts/``, and the samples' numbers as data.

Only numbers and words from closed lists are sent, and never a file's name, path, tags or comments. The text does not
need them, they may be private, and they may contain instructions. So samples that sound the same get the same reply.
"""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from config.ai import AiTask
from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.documents.samples import Sample
from samplemind_worker.providers.base import Asked

_FOLDER = Path(__file__).parents[2] / "config" / "prompts"
_RULES = "rules"
_REGISTERS = {
    AiTask.AUDIO_ANALYSIS: "analysis",
    AiTask.BATCH: "analysis",
    AiTask.OFFLINE: "analysis",
    AiTask.PRIVACY: "analysis",
    AiTask.GENRE: "genre",
    AiTask.COACHING: "coaching",
    AiTask.MIXING: "mixing",
    AiTask.CREATIVE: "creative",
    AiTask.THEORY: "theory",
    AiTask.HARMONY: "harmony",
}
_WORD = re.compile(r"[A-Za-z0-9#_]{1,16}")
"""The form of a word from a closed list; other text never gets into a prompt."""
_CHORD = re.compile(r"[A-G]#?[a-z0-9]{0,4}(/[A-G]#?)?")
_CHORDS = 16  # of a progression
_SHORTEST_ID = 8
_SECTIONS = 16  # more tell a reader nothing


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt of one request, in the two parts that all providers accept."""

    system: str
    user: str

    @property
    def length(self) -> int:
        """The number of characters that the model reads."""
        return len(self.system) + len(self.user)


def build(task: AiTask, samples: Sequence[Sample], ids: Sequence[str], *, again: bool = False) -> Prompt:
    """Build the prompt about these samples; the reply refers to them by these ids."""
    entries = [{"id": key, **facts(sample)} for key, sample in zip(ids, samples, strict=True)]
    # "<" is escaped, so that no text in the data can close the tag.
    data = json.dumps(entries, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    repeated = "An earlier reply left these out or was not in the form asked for. " if again else ""
    return Prompt(
        system=f"{_text(_RULES)}\n\n{_text(_REGISTERS[task])}",
        user=f"{repeated}Write about these {len(entries)} samples.\n<samples>\n{data}\n</samples>",
    )


def key(asked: Asked, task: AiTask, sample: Sample) -> str:
    """Return the cache key of a reply: equal if and only if the same model would get the same prompt about a sample.

    It is a hash of the prompt itself, without the id, so the key cannot diverge from what is sent.
    """
    question = build(task, [sample], [""])
    parts = [asked.name, asked.model, asked.prompt_version, question.system, question.user]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def version(schema: str) -> str:
    """Return a hash that changes whenever the text of a prompt or the schema of the reply changes."""
    texts = [_text(name) for name in sorted({_RULES, *_REGISTERS.values()})]
    return hashlib.sha256("\0".join([*texts, schema]).encode()).hexdigest()[:12]


def short_ids(samples: Sequence[Sample]) -> list[str]:
    """Return prefixes of the content hashes that are long enough to tell the samples apart."""
    full = [sample.audio.file_id for sample in samples]
    length = _SHORTEST_ID
    while length < max(map(len, full), default=0) and len({key[:length] for key in full}) < len(set(full)):
        length += 1
    return [key[:length] for key in full]


def facts(sample: Sample) -> dict[str, Any]:
    """Return the numbers of a sample that are sent, rounded so that equal sounds give equal prompts."""
    audio, analysis = sample.audio, sample.analysis
    found: dict[str, Any] = {
        "kind": analysis.kind,
        "kind_confidence": _step(analysis.kind_confidence, 0.1),
        "instrument": _word(analysis.instrument),
        "instrument_confidence": _step(analysis.instrument_confidence, 0.1),
        "seconds": _digits(audio.duration, 3),
        "channels": audio.channels,
        "tempo_bpm": _step(analysis.tempo, 0.1),
        "tempo_confidence": _step(analysis.tempo_confidence, 0.1),
        "time_signature": "/".join(map(str, analysis.time_signature)) if analysis.time_signature else None,
        "beats": analysis.beats_in_loop,
        "key": f"{key} {analysis.mode}" if (key := _word(analysis.key)) and analysis.mode else None,
        "key_confidence": _step(analysis.key_confidence, 0.1),
        "camelot": _word(analysis.camelot),
        "chord": None if analysis.chord is None else _chord(analysis.chord.name),
        "chords": " ".join(_progression(analysis)[:_CHORDS]) or None,
        "tuning_cents": _step(analysis.tuning_cents, 5.0),
        "pitch": _word(analysis.pitch_note),
        "pitch_cents": _step(analysis.pitch_cents, 5.0),
        "pitch_confidence": _step(analysis.pitch_confidence, 0.1),
        "rhythm": _rhythm(analysis),
        "sections": _sections(analysis),
        "loop": _loop(analysis),
        "slices": len(analysis.slices) if analysis.slices else None,
        "loudness_lufs": _step(audio.loudness_lufs, 0.5),
        "true_peak_dbtp": _step(audio.true_peak_dbtp, 0.5),
        "spectrum": _spectrum(analysis.spectral_features),
    }
    return {name: value for name, value in found.items() if value is not None and value != {}}


def _chord(name: str) -> str | None:
    return name if _CHORD.fullmatch(name) else None


def _progression(analysis: AnalysisFacts) -> list[str]:
    return [name for span in analysis.chords or () if (name := _chord(span.name))]


def _rhythm(analysis: AnalysisFacts) -> dict[str, Any] | None:
    rhythm = analysis.rhythm
    if rhythm is None:
        return None
    found = {
        "feel": _word(rhythm.feel),
        "swing": _step(rhythm.swing, 0.1),
        "swing_unit": rhythm.swing_unit,
        "onsets_per_beat": _step(rhythm.density, 0.1),
        "backbeat": _word(rhythm.backbeat),
        "syncopation": _step(rhythm.syncopation, 0.1),
    }
    return {name: value for name, value in found.items() if value is not None}


def _sections(analysis: AnalysisFacts) -> list[list[object]] | None:
    """Return label, kind and start of the first sections."""
    return [
        [_word(section.label), _word(section.kind), _step(section.start, 1.0)]
        for section in (analysis.sections or ())[:_SECTIONS]
    ] or None


def _loop(analysis: AnalysisFacts) -> dict[str, Any] | None:
    """Return the part of a track that repeats best."""
    best = max(analysis.loop_points or (), key=lambda points: (points.score, points.bars), default=None)
    return None if best is None else {"bars": best.bars, "start": _step(best.start, 0.01), "end": _step(best.end, 0.01)}


def _spectrum(features: dict[str, dict[str, Any]]) -> dict[str, float]:
    wanted = ("centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness", "zero_crossing_rate")
    means = {name: _digits(features.get(name, {}).get("mean"), 2) for name in wanted}
    return {name: mean for name, mean in means.items() if mean is not None}


@lru_cache(maxsize=16)
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()


def _word(value: str | None) -> str | None:
    return value if value is not None and _WORD.fullmatch(value) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _step(value: object, step: float) -> float | None:
    """Round to a multiple of a step."""
    number = _number(value)
    return None if number is None else round(round(number / step) * step, 3) + 0.0


def _digits(value: object, digits: int) -> float | None:
    """Round to significant digits."""
    number = _number(value)
    return None if number is None else float(f"{number:.{digits}g}")
