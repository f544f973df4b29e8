"""Compares fingerprints: which pairs of sounds may be altered copies of each other, and which are.

Two steps. `candidates` sorts a library by coarse descriptions of its sounds, in several random orders, and takes
neighbours: its cost grows with the number of sounds, not with its square. `compare` looks at the pairs: it finds the
shift at which the waveforms agree best, measures how far each band of frequencies agrees there, and compares the
levels that both have from the onset to the end.

The weights below, and the threshold, were chosen on altered copies of recorded kits and instruments whose hits are
there many times, so that no two hits of one drum are taken for copies; `docs/analysis.md` names them. `python -m
benchmarks.duplicates FOLDER` prints what is found of each alteration.
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from samplemind_worker import fingerprints
from samplemind_worker.fingerprints import BANDS, EDGES, LEAD, RATE, RUN, SNIPPET, STEP_DB, STRETCHES

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Prints = npt.NDArray[np.void]

_PAIRS: Final = 512  # compared at once: about 100 MB
_SOUNDS: Final = 4096  # described at once

# Descriptions.
_FLOOR_DB: Final = 30.0  # what is quieter is not described: codecs and noise change it
_CHOSEN: Final = 24  # bands of the snippet
_FIRST_BIN: Final = 4
_EARLY: Final = 8  # stretches of the contour
_ORDERS: Final = 16
_NEIGHBOURS: Final = 8
_FAR_DB: Final = 2.0  # mean difference of two descriptions beyond which a comparison is not worth its time
_NEAREST: Final = 4  # sounds that one is compared with, at most, unless it is as near to theirs
_LARGEST: Final = 200  # sounds of a group in which each is compared with each

# Comparisons.
_MOST_SHIFT: Final = 1024  # samples by which two onsets may lie apart
_FRACTIONS: Final = np.arange(-2, 3) / 4.0  # of a sample, by which a copy may be shifted, too
_HEARD_DB: Final = 30.0  # bands of a snippet that are quieter say nothing
_STEADY_DB: Final = 24.0  # levels of a contour that are quieter change with codecs
_WIDEST_DB: Final = 20.0
_ALIGNED: Final = 0.002  # seconds: onsets that lie further apart have other contours at the beginning
_UNSURE: Final = 0.006  # seconds: a quarter of the hop of the contour's frames
_REACH: Final = 0.03  # seconds: how far before its end a cut is heard in the frames of the contour
_BEGINNING: Final = 3  # stretches of the contour that an attack reaches
_LEAST_COVER: Final = 0.25  # of a snippet's energy: of less, nothing can be said
_LEAST_SHARED: Final = 0.5  # of a sound's energy: what lacks more is no copy
_SAME_PLACE, _CLICK = 3, 24  # samples: cuts that are nearer are one, and how far one is heard
_MISSED: Final = 1e-3  # of a snippet's energy: a beginning that has less is not missed
_AUDIBLE_DB: Final = 60.0  # below its loudest: an end that is quieter is not missed
_LEAST_WAVE: Final = 0.6  # agreement of waveforms below which nothing else is compared
_COSTS: Final = (16.6, 2.5, 6.0)  # of a wave that differs, and of a dB of colour and of contour
_MOST_COLOUR, _MOST_CONTOUR = 3.0, 1.5  # dB
_ALLOWED, _PER_DETAIL = 5.4, 0.9  # costs at the threshold of 0.9: more where many details agree
_DETAILS: Final = (10.0, 320.0)
_USUAL_DETAIL: Final = 80.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike the two sounds of each pair are; arrays of one number per pair."""

    wave: F32
    """Agreement of the waveforms at the best shift, 0 to 1."""
    detail: F32
    """How many independent details the waveforms have: the more, the less likely it is that they agree by chance."""
    cover: F32
    """The smaller share of either snippet's energy that was compared, 0 to 1."""
    colour: F32
    """Mean difference of the bands of the snippets, in dB."""
    contour: F32
    """Mean difference of the contours, in dB."""
    shared: F32
    """The smaller share of either sound's energy that lies before the end of the other, 0 to 1."""
    later: F32
    """Seconds by which the second one's sound begins later in its file; negative if earlier."""
    louder: F32
    """dB by which the second one is louder; negative if quieter."""
    inverted: npt.NDArray[np.bool_]
    """Whether the second one has the opposite polarity."""
    lost: F32
    """Seconds of the first one's sound, at its beginning or end, that the second one does not have."""
    gained: F32
    """Seconds of the second one's sound that the first one does not have."""

    def alike(self) -> F32:
        """Return one number for each pair: 1 for the same sound, 0 for sounds that have nothing in common."""
        differences = (1.0 - self.wave, np.minimum(self.colour, _MOST_COLOUR), np.minimum(self.contour, _MOST_CONTOUR))
        costs = sum(cost * difference for cost, difference in zip(_COSTS, differences, strict=True))
        allowed = _ALLOWED + _PER_DETAIL * np.log(np.clip(self.detail, *_DETAILS) / _USUAL_DETAIL)
        alike = np.clip(1.0 - 0.1 * costs / allowed, 0.0, 1.0).astype(np.float32)
        return np.where((self.cover < _LEAST_COVER) | (self.shared < _LEAST_SHARED), np.float32(0.0), alike)


def describe(prints: Prints) -> F32:
    """Return a coarse description of each sound, which shifts and changes of gain leave nearly as it is.

    Shape (n, 104): levels in dB of bands of the snippet, and of the beginning of the contour.
    """
    rows = [np.zeros((0, _CHOSEN + _EARLY * BANDS), np.float32)]
    for first in range(0, len(prints), _SOUNDS):
        part = prints[first : first + _SOUNDS]
        bands = _band_powers(np.fft.rfft(fingerprints.unpack_snippets(part)))
        snippet = _decibels(bands / np.maximum(bands.max(axis=1, keepdims=True), 1e-20))
        contour = _levels(part["levels"][:, :_EARLY]).reshape(len(part), -1)
        rows.append(np.maximum(np.hstack((snippet, contour)), -_FLOOR_DB).astype(np.float32) * _halves())
    return np.concatenate(rows)


@lru_cache(maxsize=1)
def _halves() -> F32:
    """Return weights by which the snippet counts as much as the contour in the mean of a description."""
    sizes = np.array([_CHOSEN, _EARLY * BANDS])
    return np.repeat(sizes.sum() / (2.0 * sizes), sizes).astype(np.float32)


def candidates(described: F32) -> I64:
    """Return the pairs of sounds whose descriptions are near each other: shape (pairs, 2), the smaller index first.

    References
    ----------
    Charikar, "Similarity estimation techniques from rounding algorithms", 2002 (signs of random projections); Bawa et
    al., "LSH Forest", 2005 (neighbours in the order of such signs, so that no bucket grows with the library).
    """
    count = len(described)
    spread = (described - described.mean(axis=0)) / np.maximum(described.std(axis=0), 1e-3) if count else described
    rng = np.random.default_rng(0)
    found, apart = np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    for _ in range(_ORDERS):
        signs = spread @ rng.normal(size=(spread.shape[1], 64)).astype(np.float32) > 0.0
        order = np.argsort(np.packbits(signs, axis=1).view(">u8").ravel(), kind="stable")
        for step in range(1, min(_NEIGHBOURS, count - 1) + 1):
            pairs = np.sort(np.stack((order[:-step], order[step:]), axis=1), axis=1)
            distance = _distances(described, pairs)
            near = distance < _FAR_DB
            found, apart = np.concatenate((found, pairs[near])), np.concatenate((apart, distance[near]))
        found, first = np.unique(found, axis=0, return_index=True)
        apart = apart[first]
    rank = np.minimum(_ranks(found[:, 0], apart), _ranks(found[:, 1], apart))
    return found[rank < _NEAREST]


def _distances(described: F32, pairs: I64) -> F32:
    """Return the mean difference of the descriptions of each pair, in dB."""
    distance = np.empty(len(pairs), np.float32)
    for first in range(0, len(pairs), _SOUNDS):
        part = pairs[first : first + _SOUNDS]
        distance[first : first + _SOUNDS] = np.abs(described[part[:, 0]] - described[part[:, 1]]).mean(axis=1)
    return distance


def _ranks(sounds: I64, apart: F32) -> I64:
    """Return how many pairs of the same sound are nearer, for each pair."""
    order = np.lexsort((apart, sounds))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order)) - np.searchsorted(sounds[order], sounds[order])
    return ranks


def within_groups(pairs: I64) -> I64:
    """Return all pairs of sounds that ``pairs`` connect, directly or over others; in small groups only."""
    groups: dict[int, set[int]] = {}
    for one, other in pairs.tolist():
        joined = groups.get(one, {one}) | groups.get(other, {other})
        for each in joined:
            groups[each] = joined
    distinct = {id(group): group for group in groups.values() if len(group) <= _LARGEST}
    made = [pair for group in distinct.values() for pair in combinations(sorted(group), 2)]
    return np.array(made, np.int64).reshape(-1, 2)


def without(pairs: I64, others: I64) -> I64:
    """Return the pairs that are not among the others."""
    count = 1 + max(int(each.max(initial=0)) for each in (pairs, others))
    return pairs[~np.isin(pairs @ [count, 1], others @ [count, 1])]


def compare(prints: Prints, pairs: I64) -> Likeness:
    """Compare the two sounds of each pair; ``pairs`` are indices of ``prints``, shape (n, 2), n > 0."""
    parts = [
        _compare(prints[pairs[first : first + _PAIRS, 0]], prints[pairs[first : first + _PAIRS, 1]])
        for first in range(0, len(pairs), _PAIRS)
    ]
    return Likeness(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Likeness)))


def _compare(one: Prints, other: Prints) -> Likeness:
    a, b = fingerprints.unpack_snippets(one), fingerprints.unpack_snippets(other)
    shift = _best_shift(a, b)
    whole_a, whole_b = _energy(a), _energy(b)
    lost, gained = _beginnings_lost(a, other, shift), _beginnings_lost(b, one, -shift)
    _keep_common(a, b, shift, one, other)
    cover = np.minimum(_energy(a) / np.maximum(whole_a, 1e-20), _energy(b) / np.maximum(whole_b, 1e-20))
    wave, gain, colour, detail = _agreement(a, b)
    seconds = shift / RATE
    contour, shared = np.full(len(a), _MOST_CONTOUR, np.float32), np.zeros(len(a), np.float32)
    near = np.abs(wave) >= _LEAST_WAVE  # most are not, and the rest costs time
    later = (other["onset"] - one["onset"] - seconds).astype(np.float32)
    if near.any():
        contour[near] = _contours_apart(one[near], other[near], seconds[near], later[near])
        shared[near] = _shared(one[near], other[near], seconds[near])
        lost[near] += _ends_lost(one[near], other[near]["length"] + seconds[near])
        gained[near] += _ends_lost(other[near], one[near]["length"] - seconds[near])
    return Likeness(
        wave=np.abs(wave),
        detail=detail,
        cover=cover,
        colour=colour,
        contour=contour,
        shared=shared,
        later=later,
        louder=other["peak_db"] - one["peak_db"] - gain,
        inverted=wave < 0.0,
        lost=lost,
        gained=gained,
    )


def _energy(snippets: F32) -> F32:
    return np.einsum("ij,ij->i", snippets, snippets)


def _best_shift(a: F32, b: F32) -> I64:
    """Return the shift in samples at which ``b`` agrees best with ``a``: a[n] is like b[n - shift]."""
    cross = np.fft.rfft(a, 2 * SNIPPET) * np.conj(np.fft.rfft(b, 2 * SNIPPET))
    cross /= np.sqrt(np.abs(cross)) + 1e-9  # loud frequencies must not decide alone
    # In steps of half a sample: a high sound that is half a sample late has its whole peaks elsewhere.
    found = np.abs(np.fft.irfft(cross, 4 * SNIPPET))
    near = np.concatenate((found[:, -2 * _MOST_SHIFT :], found[:, : 2 * _MOST_SHIFT + 1]), axis=1)
    return np.argmax(near, axis=1) // 2 - _MOST_SHIFT


def _beginnings_lost(snippets: F32, others: Prints, shift: I64) -> F32:
    """Return the seconds of sound that snippets have before the files of the others begin."""
    begin = np.rint(LEAD - others["onset"] * RATE).astype(np.int64) + shift
    heard = np.cumsum(np.square(snippets), axis=1)
    least = _MISSED * heard[:, -1:]
    first = np.argmax(heard >= least, axis=1)
    at = np.clip(begin - 1, 0, SNIPPET - 1)
    before = np.where(begin > 0, np.take_along_axis(heard, at[:, None], axis=1)[:, 0], 0.0)
    missed = before > least[:, 0]
    return np.where(missed, (np.clip(begin, 0, SNIPPET) - first) / RATE, 0.0).astype(np.float32)


def _ends_lost(prints: Prints, end: F64) -> F32:
    """Return the seconds of sound after an end, in seconds after the onset; less than a stretch is not told."""
    is_audible = ((prints["levels"] > 0) & (_levels(prints["levels"]) > -_AUDIBLE_DB)).any(axis=2)
    last = STRETCHES - 1 - np.argmax(np.flip(is_audible, axis=1), axis=1)
    return np.maximum(np.minimum(EDGES[last], prints["length"]) - end, 0.0).astype(np.float32)


def _keep_common(a: F32, b: F32, shift: I64, one: Prints, other: Prints) -> None:
    """Shift ``b`` to ``a``, and silence in each what the other one does not have, in place."""
    places = np.arange(SNIPPET) - shift[:, None]
    common = (places >= 0) & (places < SNIPPET)
    begins = LEAD - one["onset"] * RATE, LEAD - other["onset"] * RATE + shift
    ends = LEAD + one["length"] * RATE, LEAD + other["length"] * RATE + shift
    # Where one was cut it has a click, which the other one does not have.
    begin = np.maximum(*begins) + np.where(np.abs(begins[0] - begins[1]) > _SAME_PLACE, _CLICK, 0)
    end = np.minimum(*ends) - np.where(np.abs(ends[0] - ends[1]) > _SAME_PLACE, _CLICK, 0)
    common &= (np.arange(SNIPPET) >= begin[:, None]) & (np.arange(SNIPPET) < end[:, None])
    np.clip(places, 0, SNIPPET - 1, out=places)
    common &= np.repeat(one["scales"] > 0, RUN, axis=1)
    common &= np.take_along_axis(np.repeat(other["scales"] > 0, RUN, axis=1), places, axis=1)
    a *= common
    np.multiply(np.take_along_axis(b, places, axis=1), common, out=b)


def _agreement(a: F32, b: F32) -> tuple[F32, F32, F32, F32]:
    """Compare aligned snippets band by band.

    Returns how far they agree (-1 to 1), the dB by which the first one is louder relative to its peak, the mean
    difference of their bands in dB, and how many independent details were compared: one over the variance that the
    agreement of noise of these bands would have, for the part of the time that has sound.
    """
    first, second = np.fft.rfft(a), np.fft.rfft(b)
    own, its = _band_powers(first), _band_powers(second)
    both = np.sqrt(own * its)
    weight = np.sqrt(both)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-20)
    runs = np.square(a).reshape(len(a), -1, RUN).sum(axis=2)
    filled = np.square(runs.sum(axis=1)) / np.maximum(np.square(runs).sum(axis=1), 1e-20) / runs.shape[1]
    detail = filled / np.maximum((np.square(weight) / np.diff(_band_starts())).sum(axis=1), 1e-9)
    cross = (first * np.conj(second))[:, : _band_starts()[-1]]
    agree = np.hstack((cross.real, cross.imag)) @ _turned_bands()
    agree = agree.reshape(len(a), len(_FRACTIONS), _CHOSEN) / np.maximum(both, 1e-20)[:, None, :]
    total = (agree * weight[:, None, :]).sum(axis=2)
    best = np.take_along_axis(total, np.abs(total).argmax(axis=1)[:, None], axis=1)[:, 0]
    apart = _decibels(own) - _decibels(its)
    loud = weight * ((_below_loudest(own) > -_HEARD_DB) | (_below_loudest(its) > -_HEARD_DB))
    loud /= np.maximum(loud.sum(axis=1, keepdims=True), 1e-20)
    mean = (apart * loud).sum(axis=1, keepdims=True)
    colour = (np.abs(np.clip(apart - mean, -_WIDEST_DB, _WIDEST_DB)) * loud).sum(axis=1)
    # The levels of a snippet are evened, which halves their differences.
    gain = 2.0 * (_decibels(own.sum(axis=1)) - _decibels(its.sum(axis=1)))
    return best, gain, colour, detail.astype(np.float32)


def _decibels(power: F32) -> F32:
    return np.float32(10.0) * np.log10(np.maximum(power, np.float32(1e-20)))


def _below_loudest(power: F32) -> F32:
    return _decibels(power) - _decibels(power.max(axis=1, keepdims=True))


def _levels(steps: npt.NDArray[np.uint8]) -> F32:
    """Return levels of a contour in dB below its loudest."""
    return (steps.astype(np.float32) - np.float32(255.0)) * np.float32(STEP_DB)


@lru_cache(maxsize=1)
def _band_starts() -> I64:
    """Return where the bands begin, in bins of a spectrum of SNIPPET samples; the last number is their end."""
    edges = np.geomspace(_FIRST_BIN, SNIPPET / 2, _CHOSEN + 1)
    return np.maximum(np.rint(edges).astype(np.int64), np.arange(_FIRST_BIN, _FIRST_BIN + _CHOSEN + 1))


def _band_powers(spectra: npt.NDArray[np.complexfloating]) -> F32:
    starts = _band_starts()
    power = np.square(spectra[:, : starts[-1]].real) + np.square(spectra[:, : starts[-1]].imag)
    return np.add.reduceat(power, starts[:-1], axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def _turned_bands() -> F32:
    """Return what sums real and imaginary parts of a cross spectrum by bands, for each fraction of a sample.

    Shape (2 * bins, fractions * bands): the real part of each bin times exp(2j pi k f / n).
    """
    starts = _band_starts()
    bins = np.arange(starts[-1])
    owner = (np.searchsorted(starts, bins, side="right")[:, None] - 1 == np.arange(_CHOSEN)).astype(np.float64)
    angles = 2.0 * np.pi * _FRACTIONS[:, None] * bins / SNIPPET
    real = np.cos(angles).T[:, :, None] * owner[:, None, :]
    imaginary = -np.sin(angles).T[:, :, None] * owner[:, None, :]
    return np.concatenate((real, imaginary)).reshape(2 * len(bins), -1).astype(np.float32)


_CENTRES: Final = (EDGES[:-1] + EDGES[1:]) / 2.0
_WIDTHS: Final = np.diff(EDGES)


def _contours_apart(first: Prints, second: Prints, seconds: F64, later: F32) -> F32:
    """Return the mean difference in dB of the levels that both have, apart from their gain."""
    one, other = first["levels"], second["levels"]
    at = np.interp((_CENTRES - seconds[:, None]).ravel(), _CENTRES, np.arange(len(_CENTRES))).reshape(len(one), -1)
    low = np.minimum(at.astype(np.int64), len(_CENTRES) - 2)
    part = (at - low)[:, :, None].astype(np.float32)
    rows = np.arange(len(one))[:, None]
    before, after = other[rows, low], other[rows, low + 1]
    common = (one > 0) & (before > 0) & ((after > 0) | (part == 0.0))
    a, b = _levels(one), (1.0 - part) * _levels(before) + part * _levels(after)
    louder = np.maximum(a, b)
    weight = np.where(common & (louder > -_STEADY_DB), 10.0 ** (louder / 100.0), 0.0) * np.sqrt(_WIDTHS)[:, None]
    weight[:, :_BEGINNING] *= (np.abs(seconds) <= _ALIGNED)[:, None, None]
    ends = first["length"], second["length"] + seconds
    is_cut = np.abs(ends[0] - ends[1]) > _UNSURE
    weight *= ~(is_cut[:, None] & (EDGES[1:] + _REACH > np.minimum(*ends)[:, None]))[:, :, None]
    total = np.maximum(weight.sum(axis=(1, 2)), 1e-20)
    apart = np.maximum(a, -_STEADY_DB) - np.maximum(b, -_STEADY_DB)
    mean = (apart * weight).sum(axis=(1, 2)) / total
    # Frames begin elsewhere in a copy that was shifted: where levels fall steeply, they differ by a part of a frame.
    steep = np.abs(_levels(after) - _levels(before)) * (_UNSURE / np.diff(_CENTRES)).astype(np.float32)[low][:, :, None]
    steep *= (np.abs(later) > _ALIGNED)[:, None, None]
    away = np.maximum(np.abs(apart - mean[:, None, None]) - np.minimum(steep, _WIDEST_DB), 0.0)
    return ((away * weight).sum(axis=(1, 2)) / total).astype(np.float32)


def _shared(one: Prints, other: Prints, seconds: F64) -> F32:
    """Return the smaller share of either sound's energy that lies before the other one ends."""
    shares = [
        _energy_until(sound["levels"], np.minimum(sound["length"], end))
        for sound, end in ((one, other["length"] + seconds), (other, one["length"] - seconds))
    ]
    return np.minimum(*shares)


def _energy_until(levels: npt.NDArray[np.uint8], end: F64) -> F32:
    power = np.where(levels > 0, 10.0 ** (_levels(levels) / 10.0), 0.0).sum(axis=2) * _WIDTHS
    inside = np.clip((end[:, None] - EDGES[:-1]) / _WIDTHS, 0.0, 1.0)
    return ((power * inside).sum(axis=1) / np.maximum(power.sum(axis=1), 1e-20)).astype(np.float32)
