"""A large record for benchmarks: analyses of the demonstration library, varied with noise, under made-up names.

``write`` fills the open database quickly, with the documents that the pipeline would have left: contents, analyses,
places and library entries, or with the entries alone.
"""

import hashlib
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.settings import Settings
from samplemind_worker.demo import library, plan
from samplemind_worker.documents.analysis import Analysis
from samplemind_worker.documents.audio_file import AudioFile, FileLocation
from samplemind_worker.documents.entry import LibraryEntry
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.analyze import analyze_file
from samplemind_worker.pitches import PITCH_CLASSES, camelot
from samplemind_worker.store import entries, mongo
from samplemind_worker.store.entries import Source
from samplemind_worker.store.library import location_id

ROOT = "/library"
_PAGE = 500
_DISTINCT = 100_000
"""Records that are varied one by one; more than these are copies with other ids and times."""
ADJECTIVES = [
    "Dark",
    "Warm",
    "Dusty",
    "Neon",
    "Velvet",
    "Broken",
    "Silver",
    "Heavy",
    "Analog",
    "Lost",
    "Crystal",
    "Midnight",
    "Golden",
    "Raw",
    "Deep",
    "Solar",
    "Liquid",
    "Frozen",
    "Electric",
    "Hollow",
    "Quiet",
    "Savage",
    "Tiny",
    "Royal",
    "Vintage",
    "Cosmic",
    "Bitter",
    "Smooth",
    "Rusty",
    "Wild",
]
NOUNS = [
    "Drums",
    "Beats",
    "Loops",
    "Grooves",
    "Tape",
    "Vinyl",
    "Machine",
    "Factory",
    "Garden",
    "Tools",
    "Essentials",
    "Sessions",
    "Waves",
    "Keys",
    "Textures",
    "Cuts",
    "Breaks",
    "Hits",
    "Rooms",
    "Circuits",
    "Stories",
    "Signals",
    "Bounce",
    "Planet",
    "Motion",
]
_SOUNDS = {
    "hat_closed": "Closed Hat", "hat_open": "Open Hat", "drum_loop": "Drum Loop", "music_loop": "Melody Loop",
    "bass": "Bass", "fx": "FX", "song": "Song",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """One real analysis, which the others are varied from."""

    audio: AudioFacts
    analysis: AnalysisFacts


def bases(settings: Settings | None = None) -> list[Base]:
    """Analyse the demonstration library, which is written to a folder that is then removed."""
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        library.write(Path(folder) / "demo", plan.items())
        paths = sorted(path for path in Path(folder).rglob("*") if path.suffix in {".wav", ".flac", ".ogg", ".mp3"})
        return [Base(*analyze_file(path, settings or Settings())) for path in paths]


@dataclass(frozen=True, slots=True)
class Record:
    """The documents of one content."""

    audio: AudioFacts
    analysis: AnalysisFacts
    place: dict[str, Any]
    added_at: datetime

    def source(self) -> Source:
        """Return what its entry is made of."""
        audio = self.audio.model_dump() | {"_id": self.audio.file_id, "uploaded_at": self.added_at}
        return Source(audio, self.analysis.model_dump(), [self.place], [])


def records(count: int, given: list[Base], *, seed: int = 1) -> Iterator[Record]:
    """Yield varied records: other names, levels, lengths, tempi, keys, characters and vectors."""
    rng = random.Random(seed)  # noqa: S311 -- made-up records
    packs = [f"{first} {second} Vol {number}" for first in ADJECTIVES for second in NOUNS for number in range(1, 5)]
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    for number in range(count):
        base = rng.choice(given)
        # A pack has about three hundred files; the last were added last.
        pack = packs[(number // 300 * 7919) % len(packs)]
        yield _varied(number, base, pack, begin + timedelta(seconds=number * 60), rng)


def _varied(number: int, base: Base, pack: str, added_at: datetime, rng: random.Random) -> Record:
    key = hashlib.sha256(str(number).encode()).hexdigest()
    analysis, audio = base.analysis, base.audio
    tonic = rng.randrange(12)
    keyed = analysis.key is not None and analysis.mode is not None
    tempo = None if analysis.tempo is None else round(min(max(rng.gauss(analysis.tempo, 25.0), 60.0), 200.0), 2)
    sound = _SOUNDS.get(analysis.instrument or "", (analysis.instrument or "sound").title())
    name = f"{sound} {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)} {number % 97:02}-{number // 97}.wav"
    path = f"{pack}/{sound}s/{name}"
    pitch = None if analysis.pitch_midi is None else min(max(analysis.pitch_midi + rng.randrange(-9, 10), 0), 127)
    return Record(
        audio.model_copy(
            update={
                "file_id": key,
                "filename": name,
                "audio_hash": key,
                "duration": round(audio.duration * rng.lognormvariate(0.0, 0.4), 4),
                "loudness_lufs": None if audio.loudness_lufs is None else audio.loudness_lufs + rng.gauss(0.0, 4.0),
            }
        ),
        analysis.model_copy(
            update={
                "file_id": key,
                "tempo": tempo,
                "key": PITCH_CLASSES[tonic] if keyed else None,
                "camelot": camelot(tonic, analysis.mode or "") if keyed else None,
                "pitch_midi": pitch,
                "character": {
                    name: None if value is None else value * rng.lognormvariate(0.0, 0.3)
                    for name, value in analysis.character.items()
                },
                "vector": None
                if analysis.vector is None
                else [value + rng.gauss(0.0, 0.3) for value in analysis.vector],
                "versions": {**analysis.versions, "summarize": 1, "store": analysis.vector_version or 1},
                "analyzed_at": added_at,
            }
        ),
        {"root": ROOT, "path": path, "file_id": key},
        added_at,
    )


def write(
    count: int, given: list[Base], *, record: bool = False, on_progress: Callable[[int], None] | None = None
) -> None:
    """Fill the open database with entries, and with ``record`` with all that they are made of."""
    page: list[Record] = []
    distinct = count if record else min(count, _DISTINCT)
    for number, each in enumerate(records(distinct, given), 1):
        page.append(each)
        if len(page) == _PAGE or number == distinct:
            _write(page, record=record)
            page = []
            if on_progress is not None:
                on_progress(number)
    if count > distinct:
        _multiply(round(count / distinct))
    entries.begin(anew=True)
    entries.finish()


@mongo.synchronous
async def _multiply(times: int) -> None:
    """Replace each entry by so many, by the server alone."""
    collection = LibraryEntry.get_pymongo_collection()
    await collection.drop_indexes()
    shift = {"$multiply": ["$copy", _DISTINCT * 60_000]}
    pipeline = [
        {"$set": {"copy": {"$range": [0, times]}}},
        {"$unwind": "$copy"},
        {
            "$set": {
                "added_at": {"$add": ["$added_at", shift]},
                "moment": {"$add": ["$moment", {"$multiply": [shift, 1 << 21]}]},
                "_id": {"$concat": [{"$toString": "$copy"}, "$_id"]},
            }
        },
        {"$unset": "copy"},
        {"$out": collection.name},
    ]
    await (await collection.aggregate(pipeline, allowDiskUse=True)).to_list()
    await collection.create_indexes(LibraryEntry.Settings.indexes)


@mongo.synchronous
async def _write(page: list[Record], *, record: bool) -> None:
    made = [{"_id": each.audio.file_id, "ticket": 1_000_000_000, **entry.entry_of(each.source())} for each in page]
    await LibraryEntry.get_pymongo_collection().insert_many(made, ordered=False)
    if not record:
        return
    files = [
        {"_id": each.audio.file_id, "user_id": "local", "uploaded_at": each.added_at, **each.audio.model_dump()}
        for each in page
    ]
    analyses = [{"_id": each.analysis.file_id, **each.analysis.model_dump()} for each in page]
    places = [
        {
            "_id": location_id(ROOT, each.place["path"].encode()),
            **each.place,
            "size": each.audio.file_size,
            "mtime_ns": 1,
            "ctime_ns": 1,
            "settled": True,
        }
        for each in page
    ]
    await AudioFile.get_pymongo_collection().insert_many(files, ordered=False)
    await Analysis.get_pymongo_collection().insert_many(analyses, ordered=False)
    await FileLocation.get_pymongo_collection().insert_many(places, ordered=False)
