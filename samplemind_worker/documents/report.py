"""One file as the JSON object of `analyze --json`, `show --json` and `export`."""

import os
from collections.abc import Callable
from posixpath import basename
from typing import Any

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts

Reporter = Callable[[str, AudioFacts, AnalysisFacts], dict[str, Any]]
"""Makes the report of an analysed file from its path and facts."""

_ANALYSIS_FIELDS = (
    "kind", "kind_confidence",
    "tempo", "tempo_confidence", "tempo_candidates", "time_signature", "beats", "beats_in_loop",
    "key", "mode", "key_confidence", "key_candidates", "camelot", "chord", "chords", "tuning_cents",
    "pitch_midi", "pitch_note", "pitch_cents", "pitch_confidence",
    "instrument", "instrument_confidence",
    "sections", "loop_points", "slices", "rhythm",
    "kind_audio", "tempo_audio", "key_audio", "mode_audio", "pitch_midi_audio", "instrument_audio",
)  # fmt: skip
_TEXT_FIELDS = (
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
    report.update({name: facts[name] for name in _ANALYSIS_FIELDS})
    report["loudness_lufs"] = audio.loudness_lufs
    report["true_peak_dbtp"] = audio.true_peak_dbtp
    report["width"] = audio.width
    report["peaks"] = facts["peaks"]
    report["spectral_features"] = facts["spectral_features"]
    report["character"] = facts["character"]
    report["tags"] = sorted({*audio.tags, *analysis.ai_tags})
    report["metadata"] = audio.metadata
    report["warnings"] = audio.warnings
    if analysis.ai_provider is not None:
        report.update({name: facts[name] for name in _TEXT_FIELDS})
    report["provenance"] = facts["provenance"]
    report["stated"] = facts["stated"]
    report["versions"] = facts["versions"]
    report["seconds"] = facts["seconds"]
    if analysis.analyzed_at is not None:
        report["analyzed_at"] = facts["analyzed_at"]
    return report


def with_vector(path: str, audio: AudioFacts, analysis: AnalysisFacts) -> dict[str, Any]:
    """Return the report of an analysed file, and its vector, which no JSON prints."""
    return analyzed(path, audio, analysis) | {"vector": analysis.vector}


def rejected(path: str, *, code: str, message: str) -> dict[str, Any]:
    """Return the report of a file that could not be analysed."""
    return {"path": path, "status": "rejected", "error": {"code": code, "message": message}}
