"""The command, on real files, with median filters and with a small model that is really run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf

from config.settings import get_settings
from tests import stems_model
from tests.command import Cli
from training import signals

RATE = 44_100


def sdr(wanted: npt.NDArray[Any], found: npt.NDArray[Any]) -> float:
    return float(10.0 * np.log10(np.sum(wanted**2) / np.sum((wanted - found) ** 2)))


@pytest.fixture
def use_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a model of the settings; its keywords are those of `stems_model.make`."""

    def use(**options: Any) -> Path:
        path = tmp_path / "model.onnx"
        monkeypatch.setenv("SAMPLEMIND_STEMS_MODEL", str(path))
        monkeypatch.setenv("SAMPLEMIND_STEMS_MODEL_HASH", stems_model.make(path, **options))
        monkeypatch.setenv("SAMPLEMIND_STEMS_MODEL_LICENCE", "MIT")
        get_settings.cache_clear()
        return path

    return use


def separated(cli: Cli, *options: str) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.float32]]]:
    code, told, said = cli("stems", *options, "--json")
    assert code == 0, said
    report = json.loads(told)
    folder = Path(report["folder"])
    return report, {each["name"]: samples(folder / each["file"]) for each in report["stems"]}


def samples(path: Path) -> npt.NDArray[np.float32]:
    y: Any = sf.read(path, dtype="float32", always_2d=True)[0]
    return y


def parts(rate: int = RATE) -> dict[str, npt.NDArray[np.float32]]:
    """A beat, a bass and a chord of equal power, in stereo."""
    drums = signals.drum_loop(120.0, sr=rate, bars=2)
    size = len(drums)
    bass = np.tile(signals.note(33, 0.5, sr=rate), 8)[:size]
    chord = np.tile(signals.strum([57, 60, 64], 2.0, sr=rate), 2)[:size]
    found = {
        "drums": drums,
        "bass": np.pad(bass, (0, size - len(bass))),
        "other": np.pad(chord, (0, size - len(chord))),
    }
    return {name: np.stack([y, y], axis=1) * np.float32(0.1 / np.sqrt(np.mean(y**2))) for name, y in found.items()}


def test_parts_add_up_to_the_mix_and_are_nearer_to_the_truth_than_the_mix(cli: Cli, tmp_path: Path):
    truth = parts()
    mix = np.sum(list(truth.values()), axis=0)
    sf.write(tmp_path / "mix.wav", mix, RATE, "FLOAT")

    report, found = separated(cli, "mix.wav")

    assert (report["method"], report["model"]) == ("medians", None)
    assert set(found) == {"drums", "bass", "other"}
    assert sorted(path.name for path in (tmp_path / "mix stems").iterdir()) == [
        "mix bass.wav", "mix drums.wav", "mix other.wav",
    ]  # fmt: skip
    assert np.abs(sum(found.values()) - mix).max() < 1e-6
    # The mix itself, taken for one of three equal parts, has -3 dB.
    assert {name for name in truth if sdr(truth[name], found[name]) < 2.0} == set()


@pytest.mark.parametrize(("rate", "channels", "chunk"), [(44_100, 2, None), (44_100, 1, 8192), (48_000, 2, 30_000)])
def test_a_model_is_run_in_chunks_that_leave_no_seam(
    *, cli: Cli, tmp_path: Path, use_model: Any, rate: int, channels: int, chunk: int | None
):
    use_model(samples=chunk)
    mix = np.asarray(sum(parts(rate).values()), np.float32)[:, :channels]
    sf.write(tmp_path / "mix.wav", mix, rate, "FLOAT")

    report, found = separated(cli, "mix.wav")

    assert (report["method"], report["model"], report["licence"]) == ("model", "model.onnx", "MIT")
    assert {name: y.shape for name, y in found.items()} == {"bass": mix.shape, "rest": mix.shape}
    if rate == RATE:
        low = np.stack([np.convolve(mix[:, c], stems_model.low_pass(), "same") for c in range(channels)], axis=1)
        assert np.abs(found["bass"] - low).max() < 1e-2
        assert sdr(low, found["bass"]) > 40.0
    # What a resampler cannot carry is the rest of the difference.
    assert sdr(mix, found["bass"] + found["rest"]) > (100.0 if rate == RATE else 30.0)


def test_a_model_of_one_channel_gets_one_after_the_other(cli: Cli, tmp_path: Path, use_model: Any):
    use_model(channels=1, facts={})
    y = np.stack([signals.drum_loop(120.0)[:44_100], np.zeros(44_100, np.float32)], axis=1)
    sf.write(tmp_path / "mix.wav", y, RATE, "FLOAT")

    _, found = separated(cli, "mix.wav")

    assert set(found) == {"stem 1", "stem 2"}
    assert np.abs(sum(found.values()) - y).max() < 1e-5
    assert not found["stem 1"][:, 1].any()


def test_a_method_can_be_chosen_and_nothing_is_written_in_a_dry_run(cli: Cli, tmp_path: Path, use_model: Any):
    use_model()
    sf.write(tmp_path / "mix.wav", signals.drum_loop(120.0)[:8820], RATE)

    code, told, _ = cli("stems", "mix.wav", "--method", "medians", "--dry-run", "--json")

    assert (code, json.loads(told)["method"]) == (0, "medians")
    assert not (tmp_path / "mix stems").exists()


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"SAMPLEMIND_STEMS_MODEL_HASH": "0" * 64}, 3, "it was not run"),
        ({"SAMPLEMIND_STEMS_MODEL_HASH": "no digits"}, 2, "64 hex digits"),
        ({"SAMPLEMIND_STEMS_MODEL_LICENCE": ""}, 2, "set SAMPLEMIND_STEMS_MODEL_LICENCE"),
        ({"SAMPLEMIND_STEMS_MODEL_HASH": ""}, 2, "set SAMPLEMIND_STEMS_MODEL_HASH"),
        ({"SAMPLEMIND_STEMS_MODEL": "/none.onnx"}, 3, "cannot be read"),
    ],
)
def test_a_model_that_is_not_the_named_one_is_not_run(
    *,
    cli: Cli,
    tmp_path: Path,
    use_model: Any,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    code: int,
    told: str,
):
    use_model()
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    sf.write(tmp_path / "mix.wav", np.zeros(4410, np.float32), RATE)

    ended, out, said = cli("stems", "mix.wav")

    assert (ended, out) == (code, "")
    assert told in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "mix stems").exists()


@pytest.mark.parametrize(
    ("facts", "scale", "told"),
    [({"sample_rate": "fast"}, 1.0, "names no sample rate"), ({}, float("inf"), "not finite")],
)
def test_a_model_that_gives_nonsense_leaves_nothing(
    *, cli: Cli, tmp_path: Path, use_model: Any, facts: dict[str, str], scale: float, told: str
):
    use_model(facts=facts, scale=scale)
    sf.write(tmp_path / "mix.wav", signals.drum_loop(120.0)[:8820], RATE)

    code, _, said = cli("stems", "mix.wav")

    assert (code, told in said) == (3, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mix.wav", "model.onnx"]


def test_a_file_that_is_no_model_is_told_in_one_line(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "model.onnx").write_bytes(b"")
    monkeypatch.setenv("SAMPLEMIND_STEMS_MODEL", str(tmp_path / "model.onnx"))
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    monkeypatch.setenv("SAMPLEMIND_STEMS_MODEL_HASH", empty)
    monkeypatch.setenv("SAMPLEMIND_STEMS_MODEL_LICENCE", "MIT")
    get_settings.cache_clear()
    sf.write(tmp_path / "mix.wav", np.zeros(4410, np.float32), RATE)

    code, _, said = cli("stems", "mix.wav")

    assert code == 3
    assert "cannot be run" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["none.wav"], 2, "no such file"),
        (["mix.wav", "--method", "model"], 2, "no model is named"),
        (["mix.wav", "-o", "mix.wav"], 2, "is there already"),
        (["text.wav"], 1, "text.wav"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(cli: Cli, tmp_path: Path, options: list[str], code: int, told: str):
    sf.write(tmp_path / "mix.wav", np.zeros(4410, np.float32), RATE)
    (tmp_path / "text.wav").write_text("no audio")

    ended, out, said = cli("stems", *options)

    assert (ended, out) == (code, "")
    assert told in said
    assert len(said.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mix.wav", "text.wav"]
