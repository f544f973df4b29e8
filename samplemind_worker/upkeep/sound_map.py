"""Makes the map of all sounds when the library has changed.

The workers call `tend` regularly. A map begins with the one before, so that what is known stays where it is
(`dsp.sound_map`), and is recorded under a version of its own: it comes into use by one update, once it is whole. A
process that dies before leaves the old one in use.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from loguru import logger

from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store import mongo, sound_map, turns

MAGIC: Final = b"SMAP"
NONE: Final = 255
"""The number of an instrument, a key or a kind that is not known."""

_METHOD: Final = b"1"
"""Part of the digests: another method makes another map."""
_LEASE: Final = 60.0  # s
_REST: Final = 60.0  # s between two looks at entries that have changed
_BRIEF: Final = 10.0  # s, if the library has grown or shrunk much
_MUCH: Final = 0.1  # share of the entries
_LOAD: Final = 5.0  # a look that takes a second is followed by a rest of so many at least
_MOST_NUMBERS: Final = 64_000_000
"""Numbers of all vectors in memory; of more contents fewer principal components are kept."""
_LEAST_COMPONENTS: Final = 32
_BASIS: Final = 20_000
_HALF: Final = 0.5
_TELL_SECONDS: Final = 1.0
_ID: Final = 32  # bytes

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]


def tend() -> bool:
    """Make the map if that is due and nobody else does; return whether one came into use.

    Raises
    ------
    ServiceUnavailableError
        If the record does not answer, or another process has taken over because this one stood still.
    """
    if not is_due(sound_map.state(), *sound_map.entries(), now=mongo.now()):
        return False
    run = secrets.token_hex(8)
    if not turns.take(sound_map.JOB, run, lease=_LEASE):
        return False
    with turns.kept(sound_map.JOB, run, lease=_LEASE):
        return make(run)


def is_due(state: dict[str, Any], ticket: int, entries: int, *, now: datetime) -> bool:
    """Return whether the entries have changed since the map was made, and it has rested since."""
    if ticket == state.get("ticket", -1):
        return False
    looked_at: datetime | None = state.get("looked_at")
    if looked_at is None:
        return entries > 0
    before = state.get("entries", 0)
    rest = _BRIEF if abs(entries - before) > _MUCH * before else _REST
    return (now - looked_at).total_seconds() >= max(rest, _LOAD * state.get("seconds", 0.0))


def make(run: str) -> bool:
    """Make the map anew if the sounds have changed, while this run has the turn; return whether one came into use."""
    from samplemind_worker.dsp.sound_map import arrange  # noqa: PLC0415 -- slow import

    began = time.monotonic()
    state = sound_map.state()
    current: str | None = state.get("version")
    sound_map.drop_others([current, state.get("previous")])
    ticket, entries = sound_map.entries()
    sounds = _read(entries)

    def looked() -> dict[str, Any]:
        seconds = time.monotonic() - began
        return {"ticket": ticket, "entries": entries, "looked_at": mongo.now(), "seconds": seconds, "progress": None}

    is_same = (sounds.digest, sounds.labels_digest) == (state.get("sounds"), state.get("labels"))
    if is_same or (current is not None and sounds.others > _HALF * (sounds.others + len(sounds.ids))):
        # In the second case most vectors are of an older recipe, from which new ones are being made.
        sound_map.note(**looked())
        return False
    start = _start(current, sounds.ids)
    if start is None or sounds.digest != state.get("sounds"):
        start = arrange(sounds.vectors, start=start, on_progress=_Telling(run))
    version = secrets.token_hex(8)
    sound_map.save(version, "ids", sounds.ids.tobytes())
    sound_map.save(version, "points", encode(start, sounds))
    turns.require(sound_map.JOB, run)
    values = {
        **looked(),
        "points": len(sounds.ids),
        "made_at": mongo.now(),
        "instruments": sounds.instruments,
        "kinds": sounds.kinds,
        "sounds": sounds.digest,
        "labels": sounds.labels_digest,
    }
    done = sound_map.publish(version, instead_of=current, values=values)
    logger.info(
        "map.made", fields={"points": len(sounds.ids), "seconds": round(time.monotonic() - began, 1), "used": done}
    )
    return done


class _Telling:
    """Records how far the map is, now and then, and ends the work of a run that has lost its turn."""

    def __init__(self, run: str) -> None:
        self._run, self._next = run, time.monotonic() + _TELL_SECONDS

    def __call__(self, share: float) -> None:
        if time.monotonic() < self._next:
            return
        turns.require(sound_map.JOB, self._run)
        sound_map.note(progress=round(share, 3))
        self._next = time.monotonic() + _TELL_SECONDS


@dataclass(frozen=True, slots=True)
class Sounds:
    """All contents of one recipe that have a vector, in the order of their ids."""

    ids: U8
    """Shape (contents, 32)."""
    vectors: F32
    """Or their principal components, if there are very many."""
    labels: U8
    """Shape (4, contents): instrument, key, half the tempo, kind."""
    instruments: list[str]
    kinds: list[str]
    digest: str
    labels_digest: str
    others: int
    """Contents with a vector of another recipe."""


class _Names:
    """Numbers names in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, name: str | None) -> int:
        """Return the number of a name; of very many names the last ones have none."""
        if name is None or (name not in self._numbers and len(self._numbers) == NONE):
            return NONE
        return self._numbers.setdefault(name, len(self._numbers))

    def in_order(self, numbers: U8) -> tuple[list[str], U8]:
        """Return the names by the alphabet, and their numbers in that order, whichever content came first."""
        names = sorted(self._numbers)
        table = np.full(NONE + 1, NONE, np.uint8)
        for to, name in enumerate(names):
            table[self._numbers[name]] = to
        return names, table[numbers]


def _read(entries: int) -> Sounds:
    """Read the vectors page by page, and keep as many of their components as the memory allows."""
    from samplemind_worker.dsp.embedding import EMBEDDING_SIZE  # noqa: PLC0415 -- slow import
    from samplemind_worker.dsp.sound_map import reduction  # noqa: PLC0415 -- slow import

    recipe, components = VERSIONS["store"], _MOST_NUMBERS // max(entries, 1)
    ids, labels = bytearray(), bytearray()
    blocks: list[F32] = []
    waiting: list[F32] = []
    basis: F32 | None = None
    digest, instruments, kinds, others = hashlib.blake2b(_METHOD, digest_size=16), _Names(), _Names(), 0
    for page in sound_map.sources():
        rows = [row for row in page if row.get("vector") and row.get("recipe") == recipe]
        others += sum(1 for row in page if row.get("vector")) - len(rows)
        rows = [row for row in rows if len(row["vector"]) == 2 * EMBEDDING_SIZE]
        for row in rows:
            ids += bytes.fromhex(row["_id"])
            labels += bytes(
                (instruments.number(row.get("instrument")), _key(row), _tempo(row), kinds.number(row.get("kind")))
            )
        packed = b"".join(row["vector"] for row in rows)
        digest.update(packed)
        waiting.append(np.frombuffer(packed, "<f2").astype(np.float32).reshape(len(rows), EMBEDDING_SIZE))
        if components < EMBEDDING_SIZE and basis is None and sum(map(len, waiting)) >= _BASIS:
            # Ids are random, so the first contents are a sample of all.
            basis = reduction(np.concatenate(waiting), max(components, _LEAST_COMPONENTS))
        if components >= EMBEDDING_SIZE or basis is not None:
            blocks += [each if basis is None else each @ basis for each in waiting]
            waiting.clear()
    digest.update(ids)
    vectors = np.concatenate([*blocks, *waiting]) if blocks or waiting else np.zeros((0, EMBEDDING_SIZE), np.float32)
    table = np.frombuffer(bytes(labels), np.uint8).reshape(-1, 4).T
    names, of_instrument = instruments.in_order(table[0])
    kind_names, of_kind = kinds.in_order(table[3])
    told = np.stack([of_instrument, table[1], table[2], of_kind])
    labels_digest = hashlib.blake2b(told.tobytes() + repr((names, kind_names)).encode(), digest_size=16)
    return Sounds(
        np.frombuffer(bytes(ids), np.uint8).reshape(-1, _ID),
        vectors,
        told,
        names,
        kind_names,
        digest.hexdigest(),
        labels_digest.hexdigest(),
        others,
    )


def _key(row: dict[str, Any]) -> int:
    """Return 0 (C minor) to 23 (B major)."""
    key = row.get("key")
    return NONE if key is None else key + (12 if row.get("mode") == "major" else 0)


def _tempo(row: dict[str, Any]) -> int:
    """Return half the tempo, 0 for none."""
    tempo = row.get("tempo")
    return min(max(round(tempo / 2.0), 1), NONE) if tempo else 0


def _start(version: str | None, ids: U8) -> F32 | None:
    """Return where contents lie on a map, with NaN for those that it does not have; None without a map."""
    if version is None:
        return None
    data, known = sound_map.read(version, "points"), _numbers(np.frombuffer(sound_map.read(version, "ids"), np.uint8))
    if len(known) == 0 or data[:4] != MAGIC:
        return None
    places = np.frombuffer(data, "<f4", 2 * len(known), 8).reshape(2, -1).T
    wanted = _numbers(ids)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where((known[at] == wanted)[:, None], places[at], np.float32(np.nan)).astype(np.float32)


def _numbers(ids: U8) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes of ids as numbers, which have the order of the ids."""
    return np.ascontiguousarray(ids.reshape(-1, _ID)[:, :8]).view(">u8").ravel().astype(np.uint64)


def encode(points: F32, sounds: Sounds) -> bytes:
    """Return a map as the API answers it; all numbers are little-endian.

    ``SMAP`` and the number of points (uint32); then arrays, one number per point: x and y (float32), instrument, key
    (0 is C minor, 12 is C major), half the tempo in BPM (0 is none) and kind (uint8, 255 is unknown); then the first
    eight bytes of each id.

    Raises
    ------
    ServiceUnavailableError
        If a point is no number, so that the map in use stays.
    """
    if not np.isfinite(points).all():
        raise ServiceUnavailableError("the map could not be made: a point is no number")
    head = MAGIC + len(points).to_bytes(4, "little")
    first = np.ascontiguousarray(sounds.ids[:, :8])
    return b"".join([head, points.T.astype("<f4").tobytes(), sounds.labels.tobytes(), first.tobytes()])
