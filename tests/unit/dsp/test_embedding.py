import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from samplemind_worker import dsp
from samplemind_worker.dsp.embedding import answers, compare, keep_aspect
from samplemind_worker.dsp.resample import resample
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]

LOOP = signals.drum_loop(120.0, bars=4, pattern="rock", sr=SR)
NOTE = signals.note(69.0, 1.0, sr=SR)
SOUNDS = {
    "kick": signals.kick(sr=SR),
    "hat": signals.hat_closed(sr=SR),
    "note": NOTE,
    "noise": signals.noise(1.0, sr=SR),
    "loop": LOOP,
    "track": signals.track(9, "minor", 128.0, 30.0, sr=SR),
    "click": np.eye(1, 40, 3, dtype=np.float32)[0],
}


def statistics_of(y: F32) -> npt.NDArray[np.float16]:
    features = dsp.compute_features(y, sr=SR)
    found = dsp.statistics(features, dsp.estimate(features, duration=len(y) / SR))
    assert found is not None
    return found


def vector_of(y: F32) -> F32:
    return dsp.embed(statistics_of(y))


VECTORS = {name: vector_of(y) for name, y in SOUNDS.items()}


@pytest.mark.parametrize("name", SOUNDS)
def test_the_part_of_each_aspect_has_the_same_norm_in_every_vector(name: str):
    vector = VECTORS[name]
    norms = {aspect: np.linalg.norm(vector[place]) for aspect, place in dsp.ASPECTS.items()}
    assert norms == pytest.approx({a: np.linalg.norm(VECTORS["kick"][p]) for a, p in dsp.ASPECTS.items()}, abs=1e-6)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)


def test_aspects_share_the_vector_among_them():
    assert list(dsp.ASPECTS) == ["timbre", "envelope", "pitch", "rhythm"]
    places = [k for place in dsp.ASPECTS.values() for k in range(place.start, place.stop)]
    assert places == list(range(dsp.EMBEDDING_SIZE))


def test_an_aspect_without_an_answer_says_so():
    assert answers(VECTORS["note"]) == {"timbre": True, "envelope": True, "pitch": True, "rhythm": False}
    assert answers(VECTORS["loop"]) == {"timbre": True, "envelope": True, "pitch": False, "rhythm": True}
    assert compare(VECTORS["note"], VECTORS["loop"])["rhythm"] is None


@pytest.mark.parametrize("aspect", dsp.ASPECTS)
def test_a_query_by_one_aspect_ranks_by_its_cosine_alone(aspect: str):
    vectors = np.stack([v for v in VECTORS.values() if answers(v)[aspect]])
    query = keep_aspect(vectors[0], aspect)
    cosines = vectors @ query / np.linalg.norm(query)
    share = np.linalg.norm(query)
    by_aspect = [compare(vectors[0], other)[aspect] for other in vectors]
    assert cosines / share == pytest.approx(by_aspect, abs=1e-6)


def test_alike_sounds_lie_near_each_other():
    kicks = [vector_of(signals.kick(sr=SR, seed=seed)) for seed in range(5)]
    hats = [vector_of(signals.hat_closed(sr=SR, seed=seed)) for seed in range(5)]
    within = min(float(a @ b) for a in kicks for b in kicks)
    across = max(float(a @ b) for a in kicks for b in hats)
    assert across < within


@pytest.mark.parametrize("name", ["kick", "hat", "note", "loop"])
def test_the_gain_does_not_matter(name: str):
    quiet = vector_of(SOUNDS[name] * np.float32(0.01))
    assert float(quiet @ VECTORS[name]) > 0.999


RATES = {
    "kick": signals.kick(sr=96000),
    "hat": signals.hat_closed(sr=96000),
    "note": signals.note(69.0, 1.0, sr=96000),
    "loop": signals.drum_loop(120.0, bars=4, pattern="rock", sr=96000),
}


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("rate", [44100, 48000])
def test_the_sample_rate_does_not_matter(name: str, rate: int):
    original = vector_of(resample(RATES[name], sr=96000))
    copy = vector_of(resample(np.asarray(soxr.resample(RATES[name], 96000, rate)), sr=rate))
    assert float(copy @ original) > 0.98


@pytest.mark.parametrize("name", ["kick", "hat", "note"])
@pytest.mark.parametrize("seconds", [0.003, 0.05, 0.3])
def test_silence_in_front_does_not_matter(name: str, seconds: float):
    late = np.concatenate([np.zeros(round(seconds * SR), np.float32), SOUNDS[name]])
    cosine = float(vector_of(late) @ VECTORS[name])
    others = max(float(VECTORS[other] @ VECTORS[name]) for other in ("kick", "hat", "note", "noise") if other != name)
    assert cosine > 0.9
    assert cosine > others


def test_neighbours_of_a_loop_share_its_tempo():
    near = vector_of(signals.drum_loop(121.0, bars=4, pattern="house", sr=SR))
    far = vector_of(signals.drum_loop(97.0, bars=4, pattern="rock", sr=SR))
    alike, unlike = (compare(VECTORS["loop"], other)["rhythm"] for other in (near, far))
    assert alike is not None
    assert unlike is not None
    assert unlike < alike


def test_neighbours_of_a_note_share_its_pitch():
    up = {semitones: vector_of(signals.note(69.0 + semitones, 1.0, sr=SR)) for semitones in (0.2, 6, 12)}
    alike = {semitones: compare(VECTORS["note"], other)["pitch"] or 0.0 for semitones, other in up.items()}
    assert alike[6] < alike[12] < alike[0.2]


def test_a_vector_is_made_from_recorded_bytes_without_numba():
    recorded = statistics_of(LOOP).astype("<f2").tobytes()
    program = (
        "import sys, numpy as np\n"
        "from samplemind_worker.dsp.embedding import embed\n"
        f"vector = embed(np.frombuffer(bytes.fromhex({recorded.hex()!r}), '<f2'))\n"
        "assert 'numba' not in sys.modules\n"
        "print(vector.tobytes().hex())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == VECTORS["loop"].tobytes().hex()
