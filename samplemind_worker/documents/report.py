"""One file as the JSON object of `analyze --json`, `show --json` and `export`."""

import os
from collections.abc import Callable
from posixpath import basename
from typing import Any, Final, Literal

from typing_extensions import TypedDict

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts

Reporter = Callable[[str, AudioFacts, AnalysisFacts], dict[str, Any]]
"""Makes the report of an analysed file from its path and facts."""


class Failure(TypedDict):
    """Why a file failed."""

    code: str
    """One of the codes of docs/reference/failures.md."""
    message: str
    """What was wrong, in words."""


class Rejected(TypedDict):
    """A file that could not be analysed."""

    path: str
    """The path as it was given, or below its root."""
    status: Literal["rejected"]
    """That it failed."""
    error: Failure
    """Why it failed."""


class Unfinished(TypedDict):
    """A file of a batch that was neither analysed nor rejected."""

    path: str
    """The path, below the root's folder or name."""
    status: Literal["pending", "queued", "running", "completed", "skipped", "cancelled"]
    """Where the file is; `completed` if it was, and its analysis was removed since."""
    skip_reason: str | None
    """Why it was skipped."""


AUDIO_FIELDS: Final = (
    "file_id", "filename", "file_size", "duration", "sample_rate", "channels", "format", "subtype", "reader",
    "loudness_lufs", "true_peak_dbtp", "width", "tags", "metadata", "warnings",
)  # fmt: skip
"""What decoding finds."""

ANALYSIS_FIELDS: Final = (
    "kind", "kind_confidence",
    "tempo", "tempo_confidence", "tempo_candidates", "time_signature", "beats", "beats_in_loop",
    "key", "mode", "key_confidence", "key_candidates", "camelot", "chord", "chords", "tuning_cents",
    "pitch_midi", "pitch_note", "pitch_cents", "pitch_confidence",
    "instrument", "instrument_confidence",
    "sections", "loop_points", "slices", "rhythm",
    "kind_audio", "tempo_audio", "key_audio", "mode_audio", "pitch_midi_audio", "instrument_audio",
)  # fmt: skip
"""The answers of the analysis."""

DRAWN_FIELDS: Final = ("peaks", "spectral_features", "character")
"""What the analysis has measured."""

ORIGIN_FIELDS: Final = ("provenance", "stated", "versions", "seconds")
"""Where the answers are from."""

TEXT_FIELDS: Final = (
    "ai_state",
    "ai_reason",
    "ai_provider",
    "ai_model",
    "ai_task",
    "ai_prompt_version",
    "ai_summary",
    "production_tips",
    "creative_ideas",
    "fl_studio_recommendations",
)
"""What is there where a summary was written."""


def analyzed(path: str, audio: AudioFacts, analysis: AnalysisFacts) -> dict[str, Any]:
    """Return the report of an analysed file; texts only where a summary was written."""
    facts = analysis.model_dump(mode="json", exclude={"vector", "sound_statistics", "fingerprint"})
    report: dict[str, Any] = {
        "path": path,
        "status": "analyzed",
        "file_id": audio.file_id,
        "filename": os.fsencode(basename(path)).decode(errors="backslashreplace"),
        "file_size": audio.file_size,
        "duration": audio.duration,
        "sample_rate": audio.sample_rate,
        "channels": audio.channels,
        "format": audio.format,
        "subtype": audio.subtype,
        "reader": audio.reader,
    }
    report.update({name: facts[name] for name in ANALYSIS_FIELDS})
    report["loudness_lufs"] = audio.loudness_lufs
    report["true_peak_dbtp"] = audio.true_peak_dbtp
    report["width"] = audio.width
    report.update({name: facts[name] for name in DRAWN_FIELDS})
    report["tags"] = sorted({*audio.tags, *analysis.ai_tags})
    report["metadata"] = audio.metadata
    report["warnings"] = audio.warnings
    if analysis.ai_provider is not None:
        report.update({name: facts[name] for name in TEXT_FIELDS})
    report.update({name: facts[name] for name in ORIGIN_FIELDS})
    if analysis.analyzed_at is not None:
        report["analyzed_at"] = facts["analyzed_at"]
    return report


def with_vector(path: str, audio: AudioFacts, analysis: AnalysisFacts) -> dict[str, Any]:
    """Return the report of an analysed file, and its vector, which no JSON prints."""
    return analyzed(path, audio, analysis) | {"vector": analysis.vector}


def rejected(path: str, *, code: str, message: str) -> dict[str, Any]:
    """Return the report of a file that could not be analysed."""
    return {"path": path, "status": "rejected", "error": {"code": code, "message": message}}
