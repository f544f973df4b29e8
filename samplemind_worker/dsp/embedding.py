"""A vector for likeness: what a person calls similar is near by cosine.

Conventions: a vector has one part per aspect of sound (`ASPECTS`). Each part has the same length in every vector: its
last number takes what the others leave, and stands alone where the aspect has no answer, as the rhythm of a one-shot.
Hence a query whose other parts are zero ranks by the cosine of its aspect alone. This module needs no numba, so that
vectors can be made anew from the statistics in the record.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.network import Network, load_arrays, load_network

F32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating]

LAGS = (0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Beats after which `sound_statistics` asks whether the onsets repeat."""

_SIZES = {
    "sound": 131,  # as `_sounds.describe_sound` orders them
    "lows": 16,  # thirds of an octave from 25 Hz on, of the first 4.5 s
    "mel": 40,
    "mel_spread": 40,
    "mel_change": 40,
    "mfcc": 20,
    "mfcc_spread": 20,
    "contrast": 7,
    "scalars": 10,  # log2 of mean and deviation: centroid, bandwidth, rolloff, flatness, crossing rate
    "octaves": 7,
    "tonality": 2,  # share of the energy in spectral peaks, agreement about the tuning
    "length": 1,  # log2 of the seconds
    "chroma": 12,
    "bass": 12,
    "pitch": 2,  # MIDI number, confidence
    "key": 3,  # tonic from C on, 1 for minor, confidence
    "kind": 3,
    "density": 4,  # log2 of the onsets per second: all bands, three ranges
    "tempo": 2,  # log2 of BPM, confidence
    "repeats": 3 * len(LAGS),
}


def _slices(sizes: Mapping[str, int]) -> Mapping[str, slice]:
    ends = [*accumulate(sizes.values())]
    return MappingProxyType(
        {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}
    )


LAYOUT = _slices(_SIZES)
"""Where each measure lies in a row of statistics."""
MEASURES = sum(_SIZES.values())

HEARD = slice(0, LAYOUT["length"].stop)
"""Measures that tell the timbre."""
_LIMIT = 4.0  # deviations
_GENERIC = 0.5
"""What the principal components count for beside what was learned of classes: they tell sounds of one class apart."""

_SHAPE = 21  # of "sound": levels and shape
_PARTS = {"timbre": 81, "envelope": _SHAPE + 1, "pitch": 58, "rhythm": 47}
ASPECTS = _slices(_PARTS)
"""Where each aspect lies in a vector."""
EMBEDDING_SIZE = sum(_PARTS.values())
_WEIGHTS = {"timbre": 0.4, "envelope": 0.1, "pitch": 0.15, "rhythm": 0.35}
"""What an aspect counts for in the cosine of whole vectors; the sum is 1."""

_CIRCLE = 6
"""Harmonics of `_circle`: neighbours of a twelfth of the circle are told apart."""
_HARMONICS = np.arange(1.0, _CIRCLE + 1)
_FADING = np.power(0.9, _HARMONICS) / np.linalg.norm(np.power(0.9, _HARMONICS))
_OCTAVES = np.arange(9.0)
# Degrees from the tonic on, major and minor: Albrecht and Shanahan, "The use of large corpora to train a new type of
# key-finding algorithm", 2013.
_SCALES = np.array(
    (
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    )
)


def embed(statistics: npt.NDArray[np.floating]) -> F32:
    """Give the vector of a sound.

    Parameters
    ----------
    statistics : ndarray of float, shape (MEASURES,)
        As `sound_statistics.statistics` measures them, of a sound that is not silent.

    Returns
    -------
    ndarray of float32, shape (EMBEDDING_SIZE,)
        Its norm is 1, and that of the part of each aspect is the same in every vector.
    """
    row = statistics.astype(np.float32)
    measures = _standardized(row)
    vector = np.zeros(EMBEDDING_SIZE, np.float32)
    for name, blocks in (
        ("timbre", _timbre(measures)),
        ("envelope", _envelope(measures)),
        ("pitch", _pitch(row)),
        ("rhythm", _rhythm(row)),
    ):
        part, length = vector[ASPECTS[name]], math.sqrt(_WEIGHTS[name])
        if blocks is None:
            part[-1] = length
        else:
            part[:-1] = _unit(blocks, length)
    return vector


def answers(vector: F32) -> dict[str, bool]:
    """Say for each aspect whether a sound has it: the rhythm of a one-shot has no answer."""
    return {name: not vector[place][-1] for name, place in ASPECTS.items()}


def keep_aspect(vector: F32, aspect: str) -> F32:
    """Give the query that ranks by one aspect alone: the vector with all other parts zero."""
    query = np.zeros_like(vector)
    query[ASPECTS[aspect]] = vector[ASPECTS[aspect]]
    return query


def compare(one: F32, other: F32) -> dict[str, float | None]:
    """Give the cosine (-1 to 1) of two vectors in each aspect; None where either has no answer."""
    here, there = answers(one), answers(other)
    return {
        name: float(one[place] @ other[place]) / _WEIGHTS[name] if here[name] and there[name] else None
        for name, place in ASPECTS.items()
    }


@lru_cache(maxsize=1)
def _model() -> tuple[Network, F32, F32, F32]:
    """Read the network, the usual value and the scale of each measure, and what is summed of all measures.

    The sums are those of the network's first layer, and then the principal components.
    """
    arrays, net = load_arrays("embedding"), load_network("embedding")
    centre, scale, generic = (arrays[name].astype(np.float32) for name in ("centre", "scale", "generic"))
    return net, centre, scale, np.ascontiguousarray(np.concatenate([net.first, generic], axis=1))


def _standardized(row: F32) -> F32:
    """Scale the measures of the timbre."""
    _, centre, scale, _ = _model()
    measures = (row[HEARD] - centre) * scale
    return np.minimum(np.maximum(measures, -_LIMIT, out=measures), _LIMIT, out=measures)


def _timbre(measures: F32) -> Floats:
    """Give what the network hears, and the principal components of all measures."""
    net, _, _, weights = _model()
    sums, width = measures @ weights, len(net.shift)
    return np.concatenate([_unit(net.finished(sums[:width])), _unit(sums[width:], _GENERIC)])


def _envelope(measures: F32) -> F32:
    """Give the levels after the attack, and the logarithms of rise, fall and length."""
    return measures[:_SHAPE]


def _pitch(row: F32) -> Floats | None:
    """Give pitch class and height of a note, or key and pitch classes of music."""
    midi, confidence = row[LAYOUT["pitch"]].tolist()
    tonic, minor, certainty = row[LAYOUT["key"]].tolist()
    if certainty == confidence == 0.0:
        return None
    parts = np.zeros(ASPECTS["pitch"].stop - ASPECTS["pitch"].start - 1)
    if certainty > 0.0:
        scale = np.roll(_SCALES[int(minor)], int(tonic))
        blocks = [scale, row[LAYOUT["chroma"]], row[LAYOUT["bass"]]]
        parts[2 * _CIRCLE + len(_OCTAVES) :] = np.concatenate([_unit(b - b.mean()) for b in blocks])
        return parts
    height = np.exp(-0.5 * np.square((midi / 12.0 - 1.0 - _OCTAVES) / 0.6))
    parts[: 2 * _CIRCLE] = _circle(midi / 12.0)
    parts[2 * _CIRCLE :][: len(_OCTAVES)] = _unit(height, 0.7)
    return parts


def _rhythm(row: F32) -> Floats | None:
    """Give the tempo, apart from its octave and with it, what repeats with the beat, and the density of onsets."""
    tempo, confidence = row[LAYOUT["tempo"]].tolist()
    if confidence == 0.0:
        return None
    octave = 0.5 * math.pi * (tempo - 7.0)
    density = math.pi * float(row[LAYOUT["density"]][0]) / 3.5
    return np.concatenate(
        [
            _circle(tempo),
            0.5 * np.array([math.cos(octave), math.sin(octave)]),
            _unit(row[LAYOUT["repeats"]], 0.6),
            0.9 * np.array([math.cos(density), math.sin(density)]),
        ]
    )


def _circle(turns: float) -> Floats:
    """Place a number on a circle such that near ones are alike and others are not: unit length."""
    angles = (2.0 * math.pi * turns) * _HARMONICS
    return np.concatenate([_FADING * np.cos(angles), _FADING * np.sin(angles)])


def _unit(values: Floats, length: float = 1.0) -> Floats:
    """Scale to a length; zeros stay."""
    return values * (length / max(math.sqrt(float(values @ values)), 1e-12))
