"""Estimates the chord of a single sound, and the chords of a loop or track.

Conventions: root and bass 0 (C) to 11 (B); qualities are those of `chord_model.QUALITIES`; times in seconds from the
start of the analysed signal; confidence 0 to 1. A single note, drums, noise and silence have no chord: the confidence
of theirs is below `SURE`, and no such chord is reported.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import chord_model
from samplemind_worker.dsp.network import load_arrays, load_network, softmax
from samplemind_worker.dsp.probabilities import probabilities
from samplemind_worker.dsp.types import Chord, ChordSpan, Features

F64 = npt.NDArray[np.float64]

SURE = 0.4
"""Least confidence of a chord that is reported."""
STAY = 3.0
"""Logarithm of how much likelier a chord lasts than that one certain other chord follows."""
_STEP_SECONDS = 0.5
_HOP = 4096  # samples between the frames of `Features.notes`
_QUALITIES = tuple(chord_model.QUALITIES)
_COUNT = len(_QUALITIES)


def _bass(rows: F64, root: int, quality: str) -> int:
    """Return the likeliest bass among the tones of a chord, from rows (12, 144) of `chord_model.chord_rows`."""
    chances = load_network("chord", "bass").logits(rows)[:, 0]
    return max(((root + tone) % 12 for tone in chord_model.QUALITIES[quality]), key=lambda tone: float(chances[tone]))


def _calibrated(name: str, score: float) -> float:
    arrays = load_arrays("chord")
    return float(np.interp(score, arrays[f"{name}_scores"], arrays[f"{name}_chances"]))


def estimate_chord(features: Features, *, single_note: float = 0.0) -> Chord | None:
    """Estimate the chord of a single sound: a stab, a strum, a sustained chord.

    Parameters
    ----------
    features : Features
    single_note : float
        Probability, by the pitch, that it is a single note; a chord has to be likelier.

    Returns
    -------
    Chord or None
        None for silence, and if a chord is no likelier than a single note. The confidence is the rate of correct
        answers (root and quality) at this score on held-out material, where other sounds count as wrong. Below `SURE`
        it is no answer: there is a chord, but it is unknown which, or noise or a drum.

    References
    ----------
    Fujishima, "Realtime chord recognition of musical sound", 1999 (chords from profiles of pitch classes); Mauch and
    Dixon, 2010 (overtones explained by their fundamentals first). `training/chords.py` trains the two networks.
    """
    if not features.notes.any():
        return None
    described, found = chord_model.profiles(chord_model.whole_spectrum(features.notes))
    rows = chord_model.chord_rows(described)[0]
    odds = probabilities("chord", rows, part="single")
    row = chord_model.presence_row(features, described, found, odds)
    present = float(probabilities("chord", row, part="presence")[1])
    best = int(odds.argmax())
    if present <= single_note:
        return None
    root, quality = best // _COUNT, _QUALITIES[best % _COUNT]
    return Chord(root, quality, _bass(rows, root, quality), _calibrated("single", present * float(odds[best])))


def smooth(odds: F64, stay: float = STAY) -> npt.NDArray[np.int64]:
    """Find the likeliest sequence of chords.

    Parameters
    ----------
    odds : ndarray of float, shape (n, chords)
        Probabilities at each beat; n > 0.
    stay : float
        Logarithm of how much likelier a chord lasts than that one certain other chord follows.

    Returns
    -------
    ndarray of int, shape (n,)

    References
    ----------
    Sheh and Ellis, "Chord segmentation and recognition using EM-trained hidden Markov models", 2003.
    """
    scores = np.log(odds + 1e-9)
    total, back = scores[0], np.zeros(scores.shape, np.int64)
    for beat in range(1, len(scores)):
        change = int(total.argmax())
        lasts = total + stay >= total[change]
        back[beat] = np.where(lasts, np.arange(len(total)), change)
        total = np.where(lasts, total + stay, total[change]) + scores[beat]
    path = [int(total.argmax())]
    for beat in range(len(scores) - 1, 0, -1):
        path.append(int(back[beat, path[-1]]))
    return np.array(path[::-1])


def spans(path: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return first beat and end of each stretch of one chord."""
    cuts = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    return list(pairwise(cuts))


def estimate_chords(features: Features, beats: Sequence[float]) -> tuple[ChordSpan, ...]:
    """Estimate the chords of a loop or track, which change on its beats.

    Parameters
    ----------
    features : Features
        Features of music; drums have to be kept out, for they get chords by chance.
    beats : sequence of float
        Rising times of the beats; without beats, chords change on half seconds.

    Returns
    -------
    tuple of ChordSpan
        In the order of time; what is too unsure is left out. The confidence is the rate of
        correct answers (root, and major or minor where the quality has a third) at this score on held-out songs.

    References
    ----------
    Bello and Pickens, "A robust mid-level representation for harmonic content in music signals", 2005 (profiles per
    beat); Sheh and Ellis, 2003 (smoothing). `training/chords.py` trains the network.
    """
    end = features.samples / features.sr
    beats = beats or np.arange(0.0, end, _STEP_SECONDS).tolist()
    edges = np.array([*(beat for beat in beats if beat < end - 0.05), end])
    if len(edges) < 2 or not features.notes.any():  # noqa: PLR2004 -- no stretch between two times
        return ()
    spectra = chord_model.beat_spectra(features.notes, edges, rate=features.sr / _HOP)
    described = chord_model.beat_profiles(spectra)
    logits = load_network("chord", "beat").logits(chord_model.chord_rows(described))
    odds = softmax(logits.reshape(len(spectra), -1))
    path = smooth(odds)
    out: list[ChordSpan] = []
    for first, last in spans(path):
        best = int(path[first])
        confidence = _calibrated("beat", float(odds[first:last, best].mean()))
        if confidence >= SURE:
            root, quality = best // _COUNT, _QUALITIES[best % _COUNT]
            mean = described[first:last, : chord_model.PROFILES].mean(axis=0, keepdims=True)
            bass = _bass(chord_model.chord_rows(mean)[0], root, quality)
            out.append(ChordSpan(float(edges[first]), float(edges[last]), Chord(root, quality, bass, confidence)))
    return tuple(out)
