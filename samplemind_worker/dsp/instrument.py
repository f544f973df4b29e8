"""Names the instrument of a one-shot, or the content of longer material.

Conventions: names are those of the contract's closed list; confidences are 0 to 1. `training/instrument.py` trains the
network that names one-shots; whoever changes a measure has to train it again.
"""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _notes, _sounds
from samplemind_worker.dsp.convolution import load_convolutional
from samplemind_worker.dsp.key_model import tonalness
from samplemind_worker.dsp.probabilities import probabilities
from samplemind_worker.dsp.types import Features, InstrumentEstimate, KeyEstimate

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

DRUMS = (
    "kick",
    "snare",
    "clap",
    "rim",
    "hat_closed",
    "hat_open",
    "tom",
    "crash",
    "ride",
    "shaker",
    "cowbell",
    "perc",
)
TONES = ("bass", "synth", "piano", "guitar", "strings", "brass", "sax", "flute", "organ", "bell", "vocal")
"""``vocal`` is a sung note or a choir that plays like an instrument; who speaks, shouts or sings words is a voice."""
SOUNDS = ("voice", "ambience", "fx")
_OTHER = "other"
CLASSES = (*DRUMS, *TONES, *SOUNDS, _OTHER)
"""The classes of the network; ``other`` stands for instruments that are not in the closed list."""
_TONES = slice(len(DRUMS), len(DRUMS) + len(TONES))

LOW_BANDS = 16
MEASURES = _sounds.MEASURES + LOW_BANDS + _notes.MEASURES + 3 + _sounds.ATTACK
"""Length of the row of `describe`."""
_WINDOWS = slice(_sounds.LEVELS + _sounds.SHAPE, _sounds.LEVELS + _sounds.SHAPE + _sounds.WINDOWS * _sounds.BANDS)
SEEN_WITH_PICTURE = np.delete(np.arange(MEASURES), _WINDOWS)
"""The measures that are read with the picture: all but the levels of bands, which it shows."""

SURE = 0.3
"""Least probability at which an instrument is named. Of the answers just above it, half were right on recordings."""


def draw(features: Features) -> F32:
    """Return the picture of a sound that the convolutional network reads: (40, 24), see `_sounds.draw_sound`.

    ``features`` are those of a sound that is not silent.
    """
    picture = np.empty((features.mel.shape[1], _sounds.COLUMNS), np.float32)
    _sounds.draw_sound(features.mel, features.level, picture)
    return picture


def describe(features: Features) -> F32:
    """Return the measures that distinguish instruments: (238,).

    Parameters
    ----------
    features : Features
        Features of a sound that is not silent.

    Returns
    -------
    ndarray of float32
        The measures of `_sounds.describe_sound`, the low bands, the measures of the strongest pitch candidate and
        whether there is one, tonalness, strength of the tuning, the measures of `_sounds.describe_attack`. No learned
        judgement is among them, so no other model has to stay as it is.
    """
    row = np.zeros(MEASURES, np.float32)
    row[: _sounds.MEASURES] = features.sound
    place = _sounds.MEASURES
    row[place : place + len(features.bands)] = features.bands
    place += LOW_BANDS
    candidates = features.pitch
    if len(candidates):
        # Most of the peaks are its harmonics, odd ones too: so it is neither an octave too low nor too high.
        evidence = candidates[:, 3] + candidates[:, 5] + 0.5 * candidates[:, 6]
        row[place : place + _notes.MEASURES] = candidates[evidence.argmax()]
        row[place + _notes.MEASURES] = 1.0
    place += _notes.MEASURES + 3
    row[place - 2], row[place - 1] = tonalness(features), features.tuning_strength
    _sounds.describe_attack(features.level, features.onset, row[place:])
    return row


def chances(features: Features) -> F64:
    """Return the probability of each of `CLASSES` for a sound that is not silent: (27,).

    Two networks read the sound in different ways, one its measures, one its picture. The product of what they say is
    the softmax of the sum of their logits.
    """
    row = describe(features)
    seen = load_convolutional("instrument", "picture")
    odds = probabilities("instrument", row) * seen.probabilities(draw(features), row[SEEN_WITH_PICTURE])
    return odds / odds.sum()


def estimate_instrument(
    features: Features, *, kind: str | None, kind_confidence: float | None, key: KeyEstimate
) -> InstrumentEstimate:
    """Name the instrument, or the content of longer material.

    Parameters
    ----------
    features : Features
    kind, kind_confidence
        The estimated kind.
    key : KeyEstimate
        Estimate made as if the sound had a key.

    Returns
    -------
    InstrumentEstimate
        Name from the contract's list, and its confidence: the probability that it is right. None if that is below 0.3,
        and for silence.
    """
    if kind is None or kind_confidence is None:
        return InstrumentEstimate()
    if kind == "track":
        return InstrumentEstimate("song", kind_confidence)
    if kind == "loop":
        music = key.music or 0.0
        if key.key:
            return InstrumentEstimate("music_loop", kind_confidence * music)
        return InstrumentEstimate("drum_loop", kind_confidence * (1.0 - music))
    odds = chances(features)
    best, drum = int(odds.argmax()), float(odds[: len(DRUMS)].sum())
    # Other instruments are as often unpitched as not.
    tone = float(odds[_TONES].sum() + 0.5 * odds[-1])
    if CLASSES[best] == _OTHER or odds[best] < SURE:
        return InstrumentEstimate(drum=drum, tone=tone)
    return InstrumentEstimate(CLASSES[best], float(odds[best]), drum, tone)
