"""Kind: one_shot, loop or track.

Conventions: names of the contract's closed list; confidences 0 to 1.
"""

import math

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.types import Features, KeyEstimate, PitchEstimate, TempoEstimate
from samplemind_worker.dsp.units import SR

_RATE = SR / 128
_TRACK_SECONDS = 17.0
_LONG_LOOP_SECONDS = 24.0
_SHORTEST_LOOP_SECONDS = 1.25  # a bar of four beats at 192 BPM
_SHORTEST_PAD_SECONDS = 4.5
_STRONG = 0.3
_GAP_SECONDS = 0.09


def onset_times(features: Features) -> npt.NDArray[np.float64]:
    """Give the times in seconds of clear onsets: peaks of at least 0.3 of the greatest, 90 ms apart."""
    strength = features.onset[0]
    if strength.size == 0:
        return np.zeros(0)
    limit = _STRONG * float(strength.max())
    times: list[float] = []
    for k in np.flatnonzero(strength >= limit).tolist():
        time = k / _RATE
        if not times or time - times[-1] > _GAP_SECONDS:
            times.append(time)
    return np.array(times)


def change(features: Features) -> float:
    """Measure how much the notes change: 0 for one held sound, above 0.2 for music (1 less a mean cosine)."""
    notes = np.sqrt(features.notes.astype(np.float64))
    weight = np.sqrt(notes.max(axis=1, initial=0.0))
    if len(notes) < 3 or not weight.any():  # noqa: PLR2004 -- under half a second
        return 0.0
    unit = notes / np.maximum(np.linalg.norm(notes, axis=1, keepdims=True), 1e-9)
    mean = weight @ unit
    mean /= np.linalg.norm(mean)
    return 1.0 - float(weight @ (unit @ mean)) / float(weight.sum())


def end_level(features: Features) -> float:
    """Give the level of the last eighth in dB below the greatest level."""
    level = features.level.astype(np.float64)
    last = level[-max(1, len(level) // 8) :]
    return 10.0 * math.log10(max(float(np.square(last).mean()) / float(level.max()) ** 2, 1e-12))


def estimate_kind(
    features: Features, *, duration: float, tempo: TempoEstimate, key: KeyEstimate, pitch: PitchEstimate
) -> tuple[str | None, float | None]:
    """Tell one-shots, loops and tracks apart.

    Parameters
    ----------
    features : Features
    duration : float
        Seconds of the whole file.
    tempo, key, pitch
        What was found under the assumption that there is one.

    Returns
    -------
    tuple of (str or None, float or None)
        Kind and confidence; None for silence.
    """
    if features.peak == 0.0:
        return None, None
    whole_bars = tempo.beats_in_loop is not None and tempo.beats_in_loop % 4 == 0
    if duration > (_LONG_LOOP_SECONDS if whole_bars else _TRACK_SECONDS):
        return "track", min(1.0, 0.6 + 0.4 * (duration / _TRACK_SECONDS - 1.0)) if duration > _TRACK_SECONDS else 0.6
    if duration < _SHORTEST_LOOP_SECONDS:
        return "one_shot", 0.98
    changing = change(features)
    held = pitch.midi is not None and changing < 0.12  # noqa: PLR2004 -- one note, whatever its vibrato
    fading = end_level(features) < -28.0  # noqa: PLR2004 -- dB: it has rung out
    pulse = tempo.tempo is not None and not (fading and changing < 0.2)  # noqa: PLR2004 -- what rings on changes little
    pad = key.key is not None and not fading and duration > _SHORTEST_PAD_SECONDS
    if not held and (pulse or pad):
        return "loop", 0.95 if pulse and len(onset_times(features)) > 3 else 0.75  # noqa: PLR2004 -- a few onsets make no loop
    return "one_shot", 0.95 if held or fading else 0.7
