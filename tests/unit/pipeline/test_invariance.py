"""The same sound gives the same answers, however it is stored.

Each sound is synthesized at the rate it is stored at, written to a file, and goes through decoding and all steps of the
engine. The reference is a mono WAV at 44.1 kHz. Tempi may differ by 0.1 % (0.5 % after lossy coding, which moves the
ends of a loop), tuning and pitch by 5 cents; names and numbers of notes not at all.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf

from config.settings import Settings
from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.pipeline.engine import judge, measure
from samplemind_worker.pipeline.signals import limits, read_signal
from training import signals

F32 = npt.NDArray[np.float32]
LIMITS = limits(Settings(_env_file=None))

SOUNDS: dict[str, Callable[..., F32]] = {
    "drums": partial(signals.drum_loop, 127.3, bars=2, pattern="rock", seed=3),
    "music": partial(signals.melodic_loop, 4, "minor", 98.0, bars=2, seed=2),
    "track": partial(signals.track, 9, "major", 121.5, 26.0, seed=1),
    "pad": partial(signals.pad, 5, "major", 9.0, seed=4),
    "kick": partial(signals.kick, seed=5),
    "crash": partial(signals.crash, seed=6),
    "note": partial(signals.note, 57.15, 1.1, voice="pluck"),
    "bass": partial(signals.note, 31, 0.9, voice="bass"),
}


@dataclass(frozen=True)
class Answers:
    """What must not change."""

    kind: str | None
    tempo: float | None
    key: str | None
    mode: str | None
    time_signature: tuple[int, int] | None
    pitch_midi: int | None
    pitch_cents: float | None


def _answers(path: Path) -> Answers:
    with path.open("rb") as file:
        _, found = judge(measure(read_signal(file, name=path.name.encode(), file_id="0", limits=LIMITS)))
    return _pick(found)


def _pick(found: AnalysisFacts) -> Answers:
    return Answers(**{name: getattr(found, name) for name in Answers.__dataclass_fields__})


def _write(path: Path, y: F32, sr: int, subtype: str | None = None) -> Path:
    """Write in blocks: libsndfile's Vorbis encoder overflows the stack on one long block."""
    samples = y.reshape(len(y), -1)
    with sf.SoundFile(path, "w", sr, samples.shape[1], subtype=subtype) as file:
        for first in range(0, len(samples), 1 << 14):
            file.write(samples[first : first + (1 << 14)])
    return path


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answers]:
    folder = tmp_path_factory.mktemp("reference")
    return {name: _answers(_write(folder / f"{name}.wav", make(sr=44100), 44100)) for name, make in SOUNDS.items()}


def _assert_same(found: Answers, wanted: Answers, *, tempo: float = 1e-3) -> None:
    assert (found.kind, found.key, found.mode) == (wanted.kind, wanted.key, wanted.mode)
    assert (found.time_signature, found.pitch_midi) == (wanted.time_signature, wanted.pitch_midi)
    for one, other, tolerance in (
        (found.tempo, wanted.tempo, tempo * (wanted.tempo or 0.0)),
        (found.pitch_cents, wanted.pitch_cents, 5.0),
    ):
        assert (one is None) == (other is None)
        if one is not None:
            assert one == pytest.approx(other, abs=tolerance)


def test_the_reference_answers_are_right(reference: dict[str, Answers]):
    assert {name: found.kind for name, found in reference.items()} == {
        "drums": "loop",
        "music": "loop",
        "track": "track",
        "pad": "loop",
        "kick": "one_shot",
        "crash": "one_shot",
        "note": "one_shot",
        "bass": "one_shot",
    }
    assert [reference[name].tempo for name in ("drums", "music", "track")] == pytest.approx(
        [127.3, 98.0, 121.5], rel=1e-3
    )
    assert {name: (found.key, found.mode) for name, found in reference.items() if found.key} == {
        "music": ("E", "minor"),
        "track": ("A", "major"),
        "pad": ("F", "major"),
    }
    assert (reference["note"].pitch_midi, reference["bass"].pitch_midi) == (57, 31)
    assert reference["note"].pitch_cents == pytest.approx(15.0, abs=5.0)


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize(("sr", "channels"), [(44100, 2), (48000, 1), (48000, 2), (96000, 1), (96000, 2)])
def test_rate_and_channels_change_nothing(
    tmp_path: Path, reference: dict[str, Answers], name: str, sr: int, channels: int
):
    y = SOUNDS[name](sr=sr)
    stored = signals.widen(y) if channels > 1 else y

    found = _answers(_write(tmp_path / "a.wav", stored, sr))

    _assert_same(found, reference[name])


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("decibels", [-40.0, -23.5, -6.0])
def test_gain_changes_nothing(tmp_path: Path, reference: dict[str, Answers], name: str, decibels: float):
    y = SOUNDS[name](sr=44100) * np.float32(10.0 ** (decibels / 20.0))

    found = _answers(_write(tmp_path / "a.wav", y, 44100, "PCM_24"))

    _assert_same(found, reference[name])


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize(
    ("ending", "subtype"),
    [("wav", "FLOAT"), ("flac", "PCM_24"), ("aiff", "PCM_16"), ("mp3", None), ("ogg", None)],
)
def test_format_changes_nothing(
    tmp_path: Path, reference: dict[str, Answers], name: str, ending: str, subtype: str | None
):
    found = _answers(_write(tmp_path / f"a.{ending}", signals.widen(SOUNDS[name](sr=44100)), 44100, subtype))

    _assert_same(found, reference[name], tempo=1e-3 if subtype else 5e-3)


def test_order_changes_nothing(tmp_path: Path, reference: dict[str, Answers]):
    paths = {name: _write(tmp_path / f"{name}.wav", make(sr=44100), 44100) for name, make in SOUNDS.items()}
    names = [*SOUNDS, *SOUNDS]
    random.Random(5).shuffle(names)  # noqa: S311 -- any order will do

    assert [_answers(paths[name]) for name in names] == [reference[name] for name in names]


def _character(path: Path) -> dict[str, float | None]:
    with path.open("rb") as file:
        _, found = judge(measure(read_signal(file, name=path.name.encode(), file_id="0", limits=LIMITS)))
    return found.character


@pytest.mark.parametrize("name", ["kick", "note", "bass"])
@pytest.mark.parametrize(("sr", "decibels"), [(48000, 0.0), (96000, -20.0)])
def test_rate_and_gain_change_the_character_by_little(tmp_path: Path, name: str, sr: int, decibels: float):
    y = SOUNDS[name](sr=sr) * np.float32(10.0 ** (decibels / 20.0))

    wanted = _character(_write(tmp_path / "a.wav", SOUNDS[name](sr=44100), 44100, "FLOAT"))
    found = _character(_write(tmp_path / "b.wav", y, sr, "FLOAT"))

    for measure_name, value in wanted.items():
        one = found[measure_name]
        assert (one is None) == (value is None), measure_name
        if one is not None and value is not None:
            # A click of noise differs between rates; a step of the envelope is 6 ms.
            assert one == pytest.approx(value, rel=0.15, abs=1.0 if measure_name.endswith("_db") else 0.012), (
                measure_name
            )
