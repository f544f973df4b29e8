"""Altered copies of synthesized sounds are found, and sounds that merely resemble each other are not."""

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf
import soxr

from samplemind_worker import dsp, fingerprints
from samplemind_worker.dsp.resample import resample
from samplemind_worker.finding import likeness
from samplemind_worker.finding.alterations import DEFAULT_THRESHOLD, Alteration, Index
from training import signals

F32 = npt.NDArray[np.float32]
RATE = 44100


def print_of(y: F32) -> bytes:
    heard = resample(y.astype(np.float32), sr=RATE)
    return dsp.compute_features(heard, sr=dsp.SR).fingerprint.tobytes()


def found(*sounds: F32, threshold: float = DEFAULT_THRESHOLD) -> dict[tuple[str, str], Alteration]:
    index = Index(skip=())
    index.add((f"{number:02}", print_of(y)) for number, y in enumerate(sounds))
    return index.pairs(threshold=threshold)


def hits() -> list[F32]:
    """Every kind of drum three times: the same kind with other noise."""
    # Hats of one length are the same, open or closed.
    kinds = [kind for kind in signals.DRUMS if kind != "hat_closed"]
    return [sound(kind, seed=seed) for kind in kinds for seed in (1, 2, 3)]


def notes() -> list[F32]:
    return [
        signals.note(midi, 0.8, sr=RATE, voice=voice)
        for midi in (45, 46, 57)
        for voice in ("pluck", "organ", "saw", "bass")
    ]


def as_mp3(y: F32) -> F32:
    file = io.BytesIO()
    sf.write(file, y, RATE, format="MP3", subtype="MPEG_LAYER_III")
    return np.asarray(sf.read(io.BytesIO(file.getvalue()), dtype="float32")[0], np.float32)


def resampled(y: F32) -> F32:
    return soxr.resample(soxr.resample(y, RATE, 32000), 32000, RATE)


ALTERATIONS: dict[str, Callable[[F32], F32]] = {
    "quieter": lambda y: y * np.float32(0.1),
    "inverted": lambda y: -y,
    "cut at the end": lambda y: y[: round(0.7 * len(y))],
    "cut at the beginning": lambda y: y[int(np.argmax(np.abs(y) > 0.02)) :],
    "silence in front": lambda y: np.concatenate((np.zeros(1602, np.float32), y)),
    "re-encoded": as_mp3,
    "resampled": resampled,
}


def sound(kind: str, *, seconds: float = 0.3, seed: int = 5) -> F32:
    """A drum or a note after 3 ms of silence, as recorded ones have it."""
    make = signals.DRUMS.get(kind)
    y = signals.note(52, 0.6, sr=RATE, voice=kind) if make is None else make(seconds, sr=RATE, seed=seed)
    return np.concatenate((np.zeros(132, np.float32), y))


@pytest.mark.parametrize("alteration", ALTERATIONS)
@pytest.mark.parametrize("kind", [*signals.DRUMS, "pluck", "organ", "bass"])
def test_an_altered_copy_is_found(kind: str, alteration: str):
    y = sound(kind)
    assert list(found(y, ALTERATIONS[alteration](y))) == [("00", "01")]


@pytest.mark.parametrize("kind", ["snare", "clap", "hat_closed", "tom"])
def test_a_copy_of_fifty_milliseconds_is_found(kind: str):
    y = sound(kind, seconds=0.05)
    assert list(found(y, as_mp3(y), sound(kind, seconds=0.05, seed=6))) == [("00", "01")]


def test_sounds_of_one_kind_are_no_copies():
    assert found(*hits()) == {}


def test_notes_are_no_copies_of_each_other():
    assert found(*notes()) == {}


def test_a_loop_is_no_copy_of_the_hit_that_it_begins_with():
    kick, snare = signals.kick(0.25, sr=RATE), signals.snare(0.25, sr=RATE)
    assert found(kick, np.concatenate((kick, snare, kick, snare)), np.concatenate((kick, kick, kick, snare))) == {}


def test_the_difference_is_measured():
    y = sound("snare")
    moved = np.concatenate((np.zeros(882, np.float32), -0.5 * y))
    [alteration] = found(y, moved).values()
    assert alteration.alike == pytest.approx(1.0, abs=0.02)
    assert alteration.louder == pytest.approx(-6.02, abs=0.3)
    assert alteration.later == pytest.approx(0.02, abs=0.001)
    assert alteration.is_inverted
    assert alteration.reversed().louder == -alteration.louder


@pytest.mark.parametrize("kind", [*signals.DRUMS, "pluck", "organ", "bass"])
@pytest.mark.parametrize(
    ("alteration", "is_cut"),
    {name: name.startswith("cut") for name in ALTERATIONS if name != "cut at the beginning"}.items(),
)
def test_what_a_copy_lacks_is_told(kind: str, alteration: str, *, is_cut: bool):
    y = sound(kind)
    [told] = found(y, ALTERATIONS[alteration](y)).values()
    assert (told.reversed().completes, told.completes) == (is_cut, False)


@pytest.mark.parametrize("kind", ["kick", "snare", "pluck", "bass"])
def test_a_cut_attack_is_told(kind: str):
    y = sound(kind)
    begin = int(np.argmax(np.abs(y) > 0.02))
    [trimmed] = found(y, y[begin:]).values()
    assert not trimmed.reversed().completes
    [cut] = found(y[begin:], y[begin + round(0.003 * RATE) :], threshold=0.8).values()
    assert cut.lost == pytest.approx(0.003, abs=0.0006)
    assert not cut.completes


@pytest.mark.parametrize("samples", [131, 132, 133])
def test_a_high_sound_that_is_half_a_sample_late_is_found(samples: int):
    y = signals.DRUMS["hat_closed"](0.2, sr=RATE, seed=2)
    assert list(found(y, y[samples:])) == [("00", "01")]


def test_the_difference_is_told_in_words():
    alteration = Alteration(0.97, louder=-6.02, later=0.02, is_inverted=True)
    assert list(alteration.in_words(shorter=-0.02)) == ["6.0 dB quieter", "inverted polarity", "begins 20 ms later"]
    cut = Alteration(0.97, louder=0.1, later=-0.012, is_inverted=False)
    assert list(cut.in_words(shorter=1.512)) == ["begins 12 ms earlier", "ends 1.5 s sooner after that"]
    assert list(Alteration(1.0, louder=0.0, later=0.0, is_inverted=False).in_words(shorter=0.0)) == []


def test_candidates_are_a_few_per_sound():
    rng = np.random.default_rng(0)
    described = rng.normal(0.0, 3.0, (3000, 104)).astype(np.float32)
    copies = described + rng.normal(0.0, 0.2, described.shape).astype(np.float32)
    pairs = likeness.candidates(np.concatenate((described, copies)))
    assert {(k, k + 3000) for k in range(3000)} <= set(map(tuple, pairs.tolist()))
    assert len(pairs) < 16 * 6000


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_sounds_have_no_pairs(count: int):
    assert found(*hits()[:count]) == {}


def test_fingerprints_of_other_versions_are_named():
    taken = print_of(signals.kick(0.3, sr=RATE))
    index = Index(skip=("left out",))
    index.add([("a", taken), ("old", b"\0" + taken[1:]), ("short", taken[:100]), ("silent", None), ("left out", taken)])
    assert (len(index), index.outdated) == (1, ["old", "short"])


def test_a_silent_sound_has_no_fingerprint():
    assert print_of(np.zeros(5000, np.float32)) == b""


@pytest.mark.parametrize("samples", [1, 30, 700])
def test_the_shortest_sounds_have_one(samples: int):
    assert len(print_of(np.full(samples, 0.5, np.float32))) == fingerprints.LAYOUT.itemsize


@pytest.mark.parametrize("milliseconds", [12, 25, 50])
def test_the_shortest_copies_are_found(milliseconds: int):
    y = signals.noise(milliseconds / 1000.0, sr=RATE)
    assert list(found(y, as_mp3(0.5 * y), signals.noise(milliseconds / 1000.0, sr=RATE, seed=1))) == [("00", "01")]
