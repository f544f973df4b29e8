"""The features against librosa's on the same frames: 1e-4 relative unless a test says why not."""

import itertools
import json

import librosa
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplemind_worker import dsp
from samplemind_worker.dsp import _kernels, spectrum
from samplemind_worker.dsp.features import onset_strength, pitches, timbre
from samplemind_worker.errors import InvalidSignalError
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def _peaked(y: F32) -> F32:
    return y / np.abs(y).max()


SIGNALS = {
    "noise": _peaked(signals.noise(1.5, sr=SR, seed=3)),
    # The floor of noise stands for a recording's: below it float32 spectra differ in rounding alone.
    "music": _peaked(signals.track(9, "minor", 122.0, 6.0, sr=SR) + signals.noise(6.0, sr=SR, level=0.01)),
    "hit": _peaked(signals.snare(sr=SR) + signals.noise(0.3, sr=SR, level=0.01)),
}


@pytest.fixture(params=sorted(SIGNALS))
def y(request: pytest.FixtureRequest) -> F32:
    return SIGNALS[request.param]


def _magnitude(y: F32) -> F32:
    return np.abs(librosa.stft(y, n_fft=2048, hop_length=512))


@pytest.mark.parametrize(
    ("column", "name", "options"),
    [
        (2, "spectral_centroid", {"sr": SR}),
        (3, "spectral_bandwidth", {"sr": SR}),
        (5, "spectral_flatness", {}),
    ],
)
def test_spectral_shape_agrees_with_librosa(y: F32, column: int, name: str, options: dict[str, int]):
    reference = getattr(librosa.feature, name)(S=_magnitude(y), **options)[0]
    np.testing.assert_allclose(timbre(y).scalars[:, column], reference, rtol=1e-4)


@pytest.mark.parametrize("start", [16384, 16896])
def test_frames_of_silence_measure_nothing(start: int):
    y = _peaked(signals.noise(2.0, sr=SR, seed=2))
    y[start:] = 0.0
    measured = timbre(y)
    silent = slice(start // 512 + 2, None)
    assert not measured.scalars[silent].any(where=[True, True, True, True, True, False])
    assert measured.scalars[silent, 5] == pytest.approx(1.0)  # as librosa's: every power is the floor
    assert not measured.contrast[silent].any()
    assert not measured.chroma[silent].any()


def test_rolloff_agrees_with_librosa_to_a_bin(y: F32):
    # A threshold on a running sum: where it is met within rounding, float32 may take the bin beside.
    difference = np.abs(timbre(y).scalars[:, 4] - librosa.feature.spectral_rolloff(S=_magnitude(y), sr=SR)[0])
    assert difference.max() < 1.01 * SR / 2048
    assert (difference > 1.0).mean() < 0.02


def test_rms_agrees_with_librosa(y: F32):
    np.testing.assert_allclose(timbre(y).scalars[:, 0], librosa.feature.rms(y=y)[0], rtol=1e-4)


def test_zero_crossings_agree_with_librosa_inside_the_signal(y: F32):
    # librosa repeats the edge samples, we see nothing there: whole frames only.
    reference = librosa.feature.zero_crossing_rate(y, threshold=0.0)[0]
    inside = slice(2, (len(y) - 1024) // 512)
    np.testing.assert_allclose(timbre(y).scalars[inside, 1], reference[inside], atol=1.5 / 2048)


def test_contrast_agrees_with_librosa(y: F32):
    magnitude = _magnitude(y)
    contrast = timbre(y).contrast
    reference = librosa.feature.spectral_contrast(S=magnitude, sr=SR).T
    # librosa clips valleys at 80 dB below the loudest; nothing here is as quiet as that.
    np.testing.assert_allclose(contrast, reference, rtol=1e-4, atol=1e-3)


def test_mfcc_agrees_with_librosa(y: F32):
    reference = librosa.feature.mfcc(y=y, sr=SR, n_mfcc=20).T
    np.testing.assert_allclose(timbre(y).mfcc, reference, rtol=1e-4, atol=2e-3)  # dB of sums of 128 bands


def test_chroma_agrees_with_librosa(y: F32):
    reference = librosa.feature.chroma_stft(S=_magnitude(y) ** 2, sr=SR, tuning=0.0).T
    np.testing.assert_allclose(timbre(y).chroma, reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "hop"), [(512, 128), (2048, 512), (8192, 4096)])
@pytest.mark.parametrize("samples", [1, 3000, 40000, 400001])
def test_power_spectra_equal_those_of_a_plain_transform(size: int, hop: int, samples: int):
    y = signals.noise(samples / SR + 1.0, sr=SR, seed=1)[:samples]
    blocks = [(first, power.copy()) for first, power in spectrum.power_blocks(y, size=size, hop=hop, scale=0.5)]
    power = np.concatenate([block for _, block in blocks])
    padded = np.pad(0.5 * y.astype(np.float64), (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: 1 + samples // hop]
    reference = np.abs(np.fft.rfft(frames * np.hanning(size + 1)[:-1])) ** 2
    assert [first for first, _ in blocks] == np.cumsum([0] + [len(block) for _, block in blocks[:-1]]).tolist()
    # 1e-6 of the greatest power of a frame: what float32 gives.
    np.testing.assert_allclose(power, reference, rtol=1e-5, atol=1e-6 * reference.max())


@pytest.mark.parametrize(("size", "bands"), [(2048, 128), (512, 24)])
def test_mel_filters_equal_librosas(size: int, bands: int):
    reference = librosa.filters.mel(sr=SR, n_fft=size, n_mels=bands).T
    np.testing.assert_allclose(spectrum.mel_filters(size, bands), reference, atol=1e-7)


def test_chroma_filters_equal_librosas():
    reference = librosa.filters.chroma(sr=SR, n_fft=2048, tuning=0.0).T
    np.testing.assert_allclose(spectrum.chroma_filters(2048), reference, atol=1e-6)


def test_onset_strength_peaks_on_every_click():
    y = signals.click_track(120.0, 4.0, sr=SR)
    strength = onset_strength(y)[0][0]
    for beat in range(8):
        place = round(beat * 0.5 * SR / 128)
        around = strength[max(place - 6, 0) : place + 7]
        assert around.max() > 0.3 * strength.max()
    between = np.concatenate([strength[round((k + 0.3) * 86.13) : round((k + 0.9) * 86.13)] for k in range(7)])
    assert between.max() < 0.05 * strength.max()


@pytest.mark.parametrize("cents", [-40.0, -10.0, 0.0, 25.0, 45.0])
def test_tuning_is_that_of_the_notes(cents: float):
    y = signals.melodic_loop(4, "minor", 120.0, voice="organ", cents=cents, sr=SR)
    assert 100.0 * pitches(y).tuning == pytest.approx(cents, abs=4.0)


def test_notes_are_where_they_were_played():
    y = signals.note(60, 2.0, sr=SR, voice="organ") + signals.note(67, 2.0, sr=SR, voice="organ")
    notes = pitches(y).notes[1:-1].sum(axis=0)
    assert set(np.argsort(-notes)[:2] + 24) == {60, 67}


def test_features_do_not_depend_on_gain():
    y = signals.track(2, "major", 98.0, 5.0, sr=SR)
    loud, quiet = dsp.compute_features(y, sr=SR), dsp.compute_features(y * np.float32(0.0013), sr=SR)
    for name in ("onset", "level", "notes", "mel"):
        np.testing.assert_allclose(getattr(quiet, name), getattr(loud, name), rtol=2e-3, atol=2e-3)
    assert quiet.summary["centroid_hz"]["mean"] == pytest.approx(loud.summary["centroid_hz"]["mean"], rel=1e-4)
    assert quiet.summary["rms"]["mean"] == pytest.approx(0.0013 * loud.summary["rms"]["mean"], rel=1e-4)


def test_features_survive_the_way_through_shared_memory():
    features = dsp.compute_features(signals.kick(sr=SR), sr=SR)
    meta, arrays = features.to_arrays()
    again = dsp.Features.from_arrays(json.loads(json.dumps(meta)), {k: a.copy() for k, a in arrays.items()})
    assert dsp.estimate(again, duration=0.4) == dsp.estimate(features, duration=0.4)
    assert again.summary == features.summary


def test_summary_is_mean_and_deviation_over_the_frames_that_sound(y: F32):
    y = np.concatenate([y, np.zeros(3000, np.float32)])
    frames, summary = timbre(y), dsp.compute_features(y, sr=SR).summary
    active = frames.scalars[:, 0] > 1e-3 * frames.scalars[:, 0].max()
    assert not active.all()
    for name, values in (
        ("rms", frames.scalars[:, 0]),
        ("centroid_hz", frames.scalars[:, 2]),
        ("contrast", frames.contrast),
        ("mfcc", frames.mfcc),
        ("chroma", frames.chroma),
    ):
        reference = values[active].astype(np.float64)
        np.testing.assert_allclose(summary[name]["mean"], reference.mean(axis=0), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(summary[name]["std"], reference.std(axis=0), rtol=1e-4, atol=1e-5)


def test_tuning_is_the_circular_mean_of_the_peaks():
    rng = np.random.default_rng(4)
    midi, weight = rng.uniform(30, 90, (6, 40)).astype(np.float32), rng.random((6, 40)).astype(np.float32)
    weight[:, 30:] = 0.0
    sums = np.empty(3)
    _kernels.tuning_sums(midi, weight, sums)
    used = np.where(midi > 43.0, np.sqrt(weight.astype(np.float64)), 0.0)
    turned = (used * np.exp(2j * np.pi * midi.astype(np.float64))).sum()
    np.testing.assert_allclose(sums, [used.sum(), turned.real, turned.imag], rtol=1e-6, atol=1e-6)


def test_blocks_leave_no_seams():
    # Longer than one block of frames: each frame must be that of the whole.
    y = signals.noise(30.0, sr=SR, seed=5)
    np.testing.assert_allclose(timbre(y).scalars[:200], timbre(y[: 260 * 512]).scalars[:200], rtol=1e-5)
    np.testing.assert_allclose(
        timbre(y).scalars[-100:], timbre(y[-(300 * 512) - len(y) % 512 :]).scalars[-100:], rtol=1e-5
    )


@pytest.mark.parametrize("samples", [1, 2, 100, 2047, 2049])
def test_any_length_gives_finite_numbers(samples: int):
    y = signals.noise(1.0, sr=SR)[:samples]
    features = dsp.compute_features(y, sr=SR)
    assert all(np.isfinite(array).all() for array in features.to_arrays()[1].values())
    assert dsp.estimate(features, duration=samples / SR).kind == "one_shot"


def test_silence_has_no_numbers():
    features = dsp.compute_features(signals.silence(1.0, sr=SR), sr=SR)
    assert features.summary["centroid_hz"] == {"mean": None, "std": None}
    assert features.summary["mfcc"]["mean"] == [None] * 20
    estimates = dsp.estimate(features, duration=1.0)
    assert dsp.statistics(features, estimates) is None
    assert (estimates.kind, estimates.tempo, estimates.key, estimates.pitch_midi) == (None, None, None, None)


@pytest.mark.parametrize(
    ("y", "sr", "message"),
    [
        (np.zeros(0, np.float32), SR, r"shape \(0,\)"),
        (np.zeros((2, 100), np.float32), SR, r"shape \(2, 100\)"),
        (np.full(100, np.nan, np.float32), SR, "NaN"),
        (np.array([0.0, np.inf], np.float32), SR, "infinity"),
        (np.zeros(100, np.int16), SR, "int16"),
        (np.zeros(100, np.float32), 44100, "sr=44100"),
    ],
)
def test_what_is_no_signal_is_refused(y: npt.NDArray[np.generic], sr: int, message: str):
    with pytest.raises(InvalidSignalError, match=message):
        dsp.compute_features(y, sr=sr)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(1, 12000), exponent=st.floats(-4.5, 0.0))
def test_any_signal_gives_finite_results(seed: int, samples: int, exponent: float):
    rng = np.random.default_rng(seed)
    y = (10.0**exponent * rng.uniform(-1, 1, samples) * (rng.random(samples) < rng.random())).astype(np.float32)
    features = dsp.compute_features(y, sr=SR)
    assert all(np.isfinite(array).all() for array in features.to_arrays()[1].values())
    json.dumps(features.summary, allow_nan=False)
    statistics = dsp.statistics(features, dsp.estimate(features, duration=samples / SR))
    if statistics is not None:
        assert np.isfinite(statistics).all()
        vector = dsp.embed(statistics)
        assert vector.shape == (dsp.EMBEDDING_SIZE,)
        assert np.linalg.norm(vector) == pytest.approx(1.0)


@pytest.mark.parametrize("size", [1, 79, 80, 81, 22050, 100_003])
def test_outline_is_the_greatest_magnitude_of_each_stretch(size: int):
    y = signals.noise(5.0, sr=SR, seed=4)[:size]
    edges = [block * size // 80 for block in range(81)]
    expected = [np.abs(y[start : max(end, start + 1)]).max() for start, end in itertools.pairwise(edges)]

    found = dsp.compute_features(y, sr=SR).outline

    assert found == [round(100 * float(one) / float(np.abs(y).max())) for one in expected]


def test_outline_of_silence_is_empty():
    assert dsp.compute_features(np.zeros(1000, np.float32), sr=SR).outline == []
