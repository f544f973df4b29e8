"""Classifies a sound as one_shot, loop or track.

Conventions: names are those of the contract's closed list; confidences are 0 to 1. A sound shorter than 1 s is a
one-shot, one shorter than 1.25 s is, too, unless it surely has a tempo. Up to 17 s (24 s for a whole number of bars) a
network distinguishes loops from one-shots; what surely has a tempo is a loop, and what has neither a tempo nor a key
that is likely enough to be given is none (`estimates`).
Beyond that another one distinguishes tracks from single sounds that last: notes that ring, rooms, machines, speech.
`training/kind.py` trains the first, `training/lasting.py` the second. A changed measure needs new networks.
"""

import math

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.key_model import tonalness
from samplemind_worker.dsp.pitch import Heard
from samplemind_worker.dsp.probabilities import probabilities
from samplemind_worker.dsp.types import Features, KeyEstimate, TempoEstimate
from samplemind_worker.dsp.units import SR

_RATE = SR / 128
LONGEST_LOOP_SECONDS, LONGEST_PHRASE_SECONDS = 24.0, 17.0
"""Longest loop with a whole number of bars, and longest other loop."""
SHORTEST_LOOP_SECONDS = 1.0
"""One bar of four beats at 240 BPM; every shorter sound is a one-shot."""
SHORTEST_PHRASE_SECONDS = 1.25
"""Below this length only a sound with a sure tempo is a loop."""
SURE_PULSE = 0.75
"""Probability of having a tempo from which a sound that is no track is a loop, whatever else it resembles."""
_WHOLE_BARS = 4
"""Place in the evidence of a tempo that says whether the length gave it, as whole bars."""
PHRASE, _LASTING = slice(21, 40), slice(21, 46)
"""What the two networks read of the row of `pulse.pulse_row`: `kind_row`, and with the probability of music and
`restlessness`."""
_STRONG = 0.3
_GAP_SECONDS = 0.09
_SOUNDING = 0.0316  # -30 dB
_SYLLABLES_HZ = (0.5, 3.0, 7.0, 20.0)  # start of all fluctuation, start and end of syllables, end of all fluctuation


def onset_times(features: Features) -> npt.NDArray[np.float64]:
    """Return the times in seconds of clear onsets: at least 0.3 of the strongest one, at least 90 ms apart."""
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
    """Measure how much the notes change (1 minus a mean cosine): 0 for one held sound, above 0.2 for music."""
    notes = np.sqrt(features.notes.astype(np.float64))
    weight = np.sqrt(notes.max(axis=1, initial=0.0))
    if len(notes) < 3 or not weight.any():  # noqa: PLR2004 -- under half a second
        return 0.0
    unit = notes / np.maximum(np.linalg.norm(notes, axis=1, keepdims=True), 1e-9)
    mean = weight @ unit
    mean /= np.linalg.norm(mean)
    return 1.0 - float(weight @ (unit @ mean)) / float(weight.sum())


def end_level(features: Features) -> float:
    """Return the level of the last eighth in dB relative to the greatest level."""
    level = features.level.astype(np.float64)
    last = level[-max(1, len(level) // 8) :]
    return 10.0 * math.log10(max(float(np.square(last).mean()) / float(level.max()) ** 2, 1e-12))


def restlessness(features: Features) -> tuple[float, float, float, float, float]:
    """Return measures that distinguish speech and noise from music.

    Parameters
    ----------
    features : Features
        Features of a sound that is not silent.

    Returns
    -------
    tuple of float
        Share of the frames below half the mean level; standard deviations of the crossing rate and of the centroid in
        octaves, and mean flatness as a logarithm, over frames within 30 dB of the loudest; share of the level's
        fluctuation between 0.5 and 20 Hz that lies from 3 to 7 Hz, where syllables lie.

    References
    ----------
    Scheirer and Slaney, "Construction and evaluation of a robust multifeature speech/music discriminator", 1997.
    """
    rms = features.frames[:, 0].astype(np.float64)
    sounding = features.frames[rms > _SOUNDING * rms.max()].astype(np.float64)
    level = features.level.astype(np.float64)
    power = np.square(np.abs(np.fft.rfft(level - level.mean())))
    hz = np.fft.rfftfreq(len(level), 1.0 / _RATE)
    slowest, first, last, fastest = np.searchsorted(hz, _SYLLABLES_HZ).tolist()
    syllables = float(power[first:last].sum()) / max(float(power[slowest:fastest].sum()), 1e-12)
    return (
        float((rms < 0.5 * rms.mean()).mean()),
        float(sounding[:, 1].std()),
        float(np.log2(np.maximum(sounding[:, 2], 20.0)).std()),
        float(np.log2(np.maximum(sounding[:, 5], 1e-5)).mean()),
        syllables,
    )


def kind_row(
    features: Features, heard: Heard | None, *, duration: float, tempo: TempoEstimate, key: KeyEstimate
) -> npt.NDArray[np.float64]:
    """Return the measures that distinguish a loop from a one-shot: (19,).

    Parameters
    ----------
    features : Features
        Features of a sound that is not silent.
    heard : Heard or None
        Its pitch candidates, as the networks judge them.
    duration : float
        Duration of the whole file in seconds.
    tempo, key
        Estimates made as if the sound had a tempo and a key; a tempo of which the trees are not sure counts as none.
    """
    clear = tempo if tempo.clear else TempoEstimate()
    level = features.level.astype(np.float64)
    greatest, top = float(level.max()), int(level.argmax())
    decibels = 20.0 * np.log10(np.maximum(level / greatest, 1e-3))
    after = decibels[top:]
    # How steadily the level falls: the net fall over the sum of all falls.
    falls = np.diff(after)
    fallen = float(-falls[falls < 0.0].sum())
    straight = (after[0] - after[-1]) / fallen if fallen > 0.0 else 0.0
    strength = features.onset[0].astype(np.float64)
    first = max(0, int(np.argmax(level > 0.1 * greatest)) - 3)
    times = onset_times(features)
    return np.array(
        [
            math.log2(max(duration, 0.1)),
            float(clear.tempo is not None),
            clear.confidence or 0.0,
            clear.evidence[_WHOLE_BARS] if clear.evidence else 0.0,
            float(key.key is not None),
            key.score or 0.0,
            change(features),
            end_level(features) / 30.0,
            math.log2(1.0 + len(times)),
            len(times) / duration,
            heard.pitched if heard else 0.0,
            heard.pitched * heard.same if heard else 0.0,
            tonalness(features),
            features.tuning_strength,
            top / len(level),
            float(level.mean()) / greatest,
            float((decibels > -20.0).mean()),  # noqa: PLR2004 -- audible frames
            straight,
            float(strength[first : first + 18].sum() / max(float(strength.sum()), 1e-9)),
        ]
    )


def estimate_kind(
    row: npt.NDArray[np.float64], *, duration: float, tempo: TempoEstimate, pulse: float
) -> tuple[str, float]:
    """Classify a sound that is not silent, and no shorter than a loop, as one_shot, loop or track.

    Parameters
    ----------
    row : ndarray of float, shape (52,)
        The result of `pulse.pulse_row`.
    duration : float
        Duration of the whole file in seconds.
    tempo : TempoEstimate
        Estimate made as if the sound had a tempo.
    pulse : float
        Probability that the sound has a tempo.

    Returns
    -------
    tuple of (str, float)
        Kind and confidence.
    """
    whole_bars = tempo.clear and tempo.beats_in_loop is not None and tempo.beats_in_loop % 4 == 0
    if duration <= (LONGEST_LOOP_SECONDS if whole_bars else LONGEST_PHRASE_SECONDS):
        if duration < SHORTEST_PHRASE_SECONDS:
            chance = pulse if pulse >= SURE_PULSE else 0.02
        else:
            chance = float(probabilities("kind", row[PHRASE])[1])
        if pulse >= SURE_PULSE:
            chance = max(chance, pulse)
        return ("loop", chance) if chance >= 0.5 else ("one_shot", 1.0 - chance)  # noqa: PLR2004 -- the likelier one
    chance = float(probabilities("lasting", row[_LASTING])[1])
    if chance < 0.5:  # noqa: PLR2004 -- the likelier one
        return "one_shot", 1.0 - chance
    # Just above the limit it may be a long loop.
    sure = min(1.0, 0.6 + 0.4 * max(0.0, duration / LONGEST_PHRASE_SECONDS - 1.0))
    return "track", sure * chance
