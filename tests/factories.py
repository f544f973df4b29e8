"""Plain builders: items of a batch, facts of a file, real audio files."""

import hashlib
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf

from samplemind_worker.documents import batch
from samplemind_worker.documents.batch import BatchItem, BatchJob, Priority
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.spend import AiCall
from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS
from samplemind_worker.store import batches, mongo

FORM: dict[str, Any] = {
    "rhythm": {
        "swing": 1.98,
        "swing_unit": 8,
        "density": 2.34,
        "feel": "shuffled",
        "backbeat": "half_time",
        "syncopation": 0.12,
    },
    "slices": [{"time": 0.0, "strength": 1.0}, {"time": 7.5, "strength": 0.5}],
    "sections": [
        {"start": 0.0, "end": 31.2, "label": "A", "kind": "intro", "energy": 0.5},
        {"start": 31.2, "end": 95.0, "label": "B", "kind": None, "energy": 1.0},
    ],
    "loop_points": [{"start": 31.2, "end": 47.2, "bars": 8, "score": 0.9}],
}
"""The rhythm and the form of a sound, as a report has them."""


def content_id(seed: int | str) -> str:
    """A file id: the SHA-256 of the seed."""
    return hashlib.sha256(str(seed).encode()).hexdigest()


def audio_facts(file_id: str, **values: Any) -> AudioFacts:
    given = {
        "filename": "loop_120.wav",
        "file_size": 1_411_244,
        "duration": 8.0,
        "sample_rate": 44100,
        "channels": 2,
        "format": "WAV",
        "subtype": "PCM_16",
        "loudness_lufs": -14.2,
        "true_peak_dbtp": -0.8,
    }
    return AudioFacts(file_id=file_id, **{**given, **values})


def analysis_facts(file_id: str, **values: Any) -> AnalysisFacts:
    """An analysis as `tempo_key` saves it: neither summarized nor stored yet."""
    given = {
        "kind": "loop",
        "tempo": 120.0,
        "key": "A",
        "mode": "minor",
        "vector": [0.5, -1.0, 2.0],
        "vector_version": VERSIONS["store"],
        "versions": {step: VERSIONS[step] for step in CPU_STEPS},
    }
    return AnalysisFacts(file_id=file_id, **{**given, **values})


def new_item(batch_id: str, number: int = 0, **values: Any) -> dict[str, Any]:
    """The document of a pending item, as `scan` records it."""
    given = {
        "root": "/library",
        "path": f"{number:04}.wav",
        "raw_path": None,
        "size": 1000,
        "mtime_ns": 1,
        "ctime_ns": 1,
    }
    changes = {name: values.pop(name) for name in ("step", "alone") if name in values}
    return {**batch.new_item(batch_id, **{**given, **values}), **changes}


def new_batch(
    files: int = 0,
    *,
    priority: Priority = "interactive",
    files_per_chain: int = 64,
    force: bool = False,
    items: Mapping[str, Any] | None = None,
) -> BatchJob:
    """A recorded batch of so many pending items."""
    job = batches.create(
        name="kit", paths=["/library"], priority=priority, files_per_chain=files_per_chain, ai=True, force=force
    )
    documents = [new_item(job.id, number, **(items or {})) for number in range(files)]
    if documents:
        batches.add_items(documents)
    batches.close_recording(job.id, total_files=files)
    return batches.find(job.id)


def write_audio(path: Path, samples: npt.NDArray[np.float32], *, sr: int = 44100) -> Path:
    """Write a file in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(os.fsencode(path), samples, sr)  # bytes: names need not be UTF-8
    return path


def let_pass_since_deaths(duration: timedelta) -> None:
    """Let so much time have passed since everything that died."""

    async def _update() -> None:
        await BatchItem.get_pymongo_collection().update_many(
            {"crashed_at": {"$exists": True}},
            [{"$set": {"crashed_at": {"$subtract": ["$crashed_at", duration // timedelta(milliseconds=1)]}}}],
        )

    mongo.run(_update())


@mongo.synchronous
async def calls_of(batch_id: str) -> list[AiCall]:
    """The calls of providers for a batch, in the order in which money was reserved for them."""
    return await AiCall.find({"batch_id": batch_id}).sort("+reserved_at").to_list()
