"""Names the instrument of a one-shot, or the content of longer material.

Conventions: names are those of the contract's closed list; confidences are 0 to 1. `training/instrument.py` trains the
network that names one-shots; whoever changes a measure has to train it again.
"""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _notes, _sounds
from samplemind_worker.dsp.key_model import tonalness
from samplemind_worker.dsp.pitch import Heard, hear
from samplemind_worker.dsp.probabilities import probabilities
from samplemind_worker.dsp.types import Features, KeyEstimate

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

PITCH = "instrument_pitch"
"""The model that judges the pitch for the networks here: the one that they have learned with, not the present one."""

SURE = 0.3
"""Least probability at which an instrument is named. Of the answers just above it, half were right on recordings."""


def describe(features: Features, heard: Heard | None) -> npt.NDArray[np.float32]:
    """Return the measures that distinguish instruments: (180,).

    Parameters
    ----------
    features : Features
        Features of a sound that is not silent.
    heard : Heard or None
        Its pitch candidates, as the model `PITCH` judges them.

    Returns
    -------
    ndarray of float32
        The measures of `_sounds.describe_sound`, the low bands, the measures of the best pitch candidate, the
        probabilities of the candidate, of its pitch class and of any pitch, tonalness, strength of the tuning.
    """
    row = np.zeros(_sounds.MEASURES + 16 + _notes.MEASURES + 5, np.float32)
    _sounds.describe_sound(features.mel, features.level, features.onset, features.frames, row[: _sounds.MEASURES])
    place = _sounds.MEASURES
    row[place : place + len(features.bands)] = features.bands
    place += 16
    if heard is not None:
        # The measures of a candidate count in proportion to the probability of a pitch.
        row[place : place + _notes.MEASURES] = heard.pitched * features.pitch[heard.best]
        row[place + _notes.MEASURES :] = (
            heard.pitched * heard.same,
            heard.pitched * heard.alike,
            heard.pitched,
            tonalness(features),
            features.tuning_strength,
        )
    return row


def divided(odds: F64, drums: F64) -> F64:
    """Divide the probability of all drums in ``odds`` (..., 27) in proportion to ``drums`` (..., 12).

    What is a drum is learned from recordings, too; which one, from rendered and synthesized drums alone.
    """
    count = len(DRUMS)
    return np.concatenate([odds[..., :count].sum(axis=-1, keepdims=True) * drums, odds[..., count:]], axis=-1)


def estimate_instrument(
    features: Features, *, kind: str | None, kind_confidence: float | None, key: KeyEstimate
) -> tuple[str | None, float | None]:
    """Name the instrument, or the content of longer material.

    Parameters
    ----------
    features : Features
    heard : Heard or None
        Its pitch candidates, as the networks judge them.
    kind, kind_confidence
        The estimated kind.
    key : KeyEstimate
        Estimate made as if the sound had a key.

    Returns
    -------
    tuple of (str or None, float or None)
        Name from the contract's list, and its confidence: the probability that it is right. None if that is below 0.3,
        and for silence.
    """
    if kind is None or kind_confidence is None:
        return None, None
    if kind == "track":
        return "song", kind_confidence
    if kind == "loop":
        music = key.music or 0.0
        return ("music_loop", kind_confidence * music) if key.key else ("drum_loop", kind_confidence * (1.0 - music))
    row = describe(features, hear(features, PITCH))
    drums = probabilities("instrument", row, part="drums")
    odds = divided(probabilities("instrument", row), drums)
    best = int(odds.argmax())
    if CLASSES[best] == _OTHER or odds[best] < SURE:
        return None, None
    return CLASSES[best], float(odds[best])
