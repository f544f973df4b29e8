"""Takes a sound apart: slices of a loop, sections and loop points of a track, and the rhythm of both."""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.bars import first_downbeat, floored, lay_bars
from samplemind_worker.dsp.loop_points import find_loop_points
from samplemind_worker.dsp.onsets import find_onsets, snap
from samplemind_worker.dsp.rhythm import estimate_rhythm
from samplemind_worker.dsp.sections import find_sections
from samplemind_worker.dsp.tempo_model import RATE
from samplemind_worker.dsp.types import Estimates, Features, Form, Slice
from samplemind_worker.dsp.units import SR

F64 = npt.NDArray[np.float64]

_MOST_SLICES = 256
_HIT = 9  # frames of 128 samples: 52 ms
_AT_START = 0.03  # seconds: an onset so soon is the beginning of the loop
_AT_END = 0.1  # seconds that an excerpt may lack of the whole


def take_apart(features: Features, estimates: Estimates, *, start: float = 0.0, duration: float) -> Form:
    """Find slices, sections, loop points and rhythm.

    Parameters
    ----------
    features : Features
        Features of the signal, or of an excerpt of a long one.
    estimates : Estimates
        Kind, tempo, beats and time signature of the same signal.
    start : float
        Seconds of the file before the signal.
    duration : float
        Duration of the whole file in seconds.

    Returns
    -------
    Form
        All times are from the start of the signal. A loop has slices, a track with a tempo sections and loop points,
        and both have a rhythm where there is a tempo; what there is none of is None.
    """
    if features.peak == 0.0 or estimates.kind not in {"loop", "track"}:
        return Form()
    onsets = find_onsets(features)
    slices = find_slices(features, onsets[0]) if estimates.kind == "loop" else None
    if estimates.tempo is None or len(estimates.beats) < 2:  # noqa: PLR2004 -- one beat has no length
        return Form(slices=slices)
    per_bar = estimates.time_signature[0] if estimates.time_signature else 4
    beats = np.array(estimates.beats)
    if estimates.kind == "loop":
        rhythm = estimate_rhythm(features, onsets, tempo=estimates.tempo, beats=beats, per_bar=per_bar)
        return Form(slices=slices, rhythm=rhythm)
    mel = floored(features.mel)
    beats = beats[first_downbeat(features, mel, beats, per_bar=per_bar) :]
    rhythm = estimate_rhythm(features, onsets, tempo=estimates.tempo, beats=beats, per_bar=per_bar)
    bars = lay_bars(features, mel, beats, per_bar=per_bar)
    if bars is None:
        return Form(rhythm=rhythm)
    seconds = features.samples / SR
    return Form(
        sections=find_sections(
            bars, seconds=seconds, from_start=start < _AT_END, to_end=start + seconds > duration - _AT_END
        ),
        loop_points=find_loop_points(features, bars, onsets[0]),
        rhythm=rhythm,
    )


def find_slices(features: Features, times: F64) -> tuple[Slice, ...] | None:
    """Find the points at which a loop can be cut into its hits or notes.

    Parameters
    ----------
    features : Features
    times : ndarray of float64, shape (n,)
        Times of the onsets.

    Returns
    -------
    tuple of Slice or None
        At most 256, the strongest ones, in the order of time, each at a zero crossing. None for fewer than two.
    """
    if len(times) < 2:  # noqa: PLR2004 -- one hit leaves nothing to cut
        return None
    strengths = _levels(features, times)
    strongest = np.sort(np.argsort(-strengths, kind="stable")[:_MOST_SLICES])
    found: dict[float, float] = {}
    for time, strength in zip(times[strongest].tolist(), strengths[strongest].tolist(), strict=True):
        place = 0.0 if time < _AT_START else round(snap(features, time), 5)
        found[place] = max(found.get(place, 0.0), round(strength, 3))
    return tuple(Slice(time, strength) for time, strength in sorted(found.items()))


def _levels(features: Features, times: F64) -> F64:
    """Return the greatest level within 50 ms of each onset, relative to the loudest onset."""
    first = np.minimum((times * RATE).astype(np.int64), len(features.level) - 1)
    levels = np.array([float(features.level[at : at + _HIT].max()) for at in first.tolist()])
    return levels / max(float(levels.max()), 1e-12)
