"""Hands on what is recorded of a content to another one with the same sound, such as the same file with new tags.

The sound is the same, so that analysis, waveform and marks hold for both; only the bytes of the file differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from samplemind_worker.store import mongo, stale
from samplemind_worker.store._upsert import insert

_HANDED_ON: Final = ("audio_files", "waveforms", "sample_marks", "analyses")
"""The analysis last: a content with an analysis has all else."""


@dataclass(frozen=True, slots=True)
class Heir:
    """A content that takes over from another one."""

    file_id: str
    size: int
    """Bytes of the file."""
    of: str
    """The content before."""


@mongo.synchronous
async def hand_on(heirs: Sequence[Heir]) -> set[str]:
    """Copy what is recorded of contents to their heirs, unless these are known, and return the heirs that are new.

    The version of the step ``store`` is left out of the analysis: the heir has no vector in Chroma yet.
    """
    if not heirs:
        return set()
    new: set[str] = set()
    await stale.note({heir.file_id for heir in heirs} | {heir.of for heir in heirs})
    for name in _HANDED_ON:
        collection = mongo.collection(name)
        ids = [each.file_id for each in heirs]
        known = {row["_id"] async for row in collection.find({"_id": {"$in": ids}}, {"_id": 1})}
        before = {row["_id"]: row async for row in collection.find({"_id": {"$in": [each.of for each in heirs]}})}
        rows = {each.file_id: _row(before[each.of], each, name) for each in heirs if each.of in before}
        missing = [row for file_id, row in rows.items() if file_id not in known]
        await insert(missing, into=collection)
        if name == "analyses":
            new = {row["_id"] for row in missing}
    return new


def _row(before: Mapping[str, Any], heir: Heir, collection: str) -> dict[str, Any]:
    row = {**before, "_id": heir.file_id}
    if collection in ("audio_files", "analyses"):
        row["file_id"] = heir.file_id
    if collection == "audio_files":
        row["file_size"] = heir.size
    if collection == "analyses":
        row["versions"] = {step: version for step, version in before["versions"].items() if step != "store"}
    return row


@mongo.synchronous
async def without_place(file_ids: Sequence[str]) -> set[str]:
    """Return which of these contents lie nowhere, and have not done so lately either."""
    lying = await mongo.collection("file_locations").distinct("file_id", {"file_id": {"$in": list(file_ids)}})
    return set(file_ids) - set(lying)


@mongo.synchronous
async def rename_in_batches(heirs: Mapping[str, str]) -> None:
    """Make the files of batches name the heirs of their contents (old content -> heir), so that results are found."""
    for old, heir in heirs.items():
        await mongo.collection("batch_items").update_many({"file_id": old}, {"$set": {"file_id": heir}})
