"""Samples for the local describer, and what it says about them."""

from typing import Any

from samplemind_worker.describer import local
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.samples import Sample, Summary

FILE_ID = "0" * 64
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
DRUMS = ("kick", "snare", "clap", "rim", "hat_closed", "hat_open", "tom", "crash", "ride", "shaker", "cowbell", "perc")
OTHERS = (
    "bass", "synth", "piano", "guitar", "strings", "brass", "sax", "flute", "organ", "bell", "vocal", "voice",
    "ambience", "fx",
)  # fmt: skip
INSTRUMENTS = (*DRUMS, *OTHERS, "drum_loop", "music_loop", "song")


def make_sample(audio: dict[str, Any] | None = None, **analysis: Any) -> Sample:
    facts: dict[str, Any] = {
        "file_id": FILE_ID,
        "filename": "Zyzzyx_999BPM.wav",
        "file_size": 1,
        "duration": 8.0,
        "sample_rate": 44100,
        "channels": 2,
        "format": "WAV",
        "subtype": "PCM_16",
    }
    return Sample(AudioFacts(**(facts | (audio or {}))), AnalysisFacts(file_id=FILE_ID, **analysis))


def describe(sample: Sample) -> Summary:
    return local.describe(sample)


def all_text(summary: Summary) -> str:
    return " | ".join(
        [summary.summary, *summary.production_tips, *summary.creative_ideas, *summary.fl_studio_recommendations]
    )
