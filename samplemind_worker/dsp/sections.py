"""Divides a track into sections on bar lines, labels what is alike, and says which part each one plays.

Conventions: times in seconds from the start of the signal; energies are RMS relative to the loudest section.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.bars import Bars
from samplemind_worker.dsp.types import Section

F64 = npt.NDArray[np.float64]

_FEWEST_BARS = 8
_LONGEST_BARS = 64
_PER_SECTION = 3.0  # of the usual distance between bars: what a section costs
_PER_SPREAD = 0.06  # of the spread of all bars
_ODD = {0: 0.0, 1: 1.0, 2: 0.4, 3: 1.0}  # costs more, by the length in bars modulo 4
_SHORT = 1.5  # below four bars
_CHROMA = 4.0
"""Weight of the pitch classes against tens of dB."""
_ALIKE = 0.22
"""Distance of two sections over the spread of the track, below which they have one label."""
_FULL, _SOFT = 0.75, 0.6
"""Energies of a section that is as loud as any, and of one that is clearly softer."""
_DRUMS = 0.6
"""Onset strength above 2 kHz of drums. Voices and strings stay below it, and so do some drums in dense mixes."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def find_sections(bars: Bars, *, seconds: float, from_start: bool, to_end: bool) -> tuple[Section, ...] | None:
    """Divide a track into sections.

    Parameters
    ----------
    bars : Bars
    seconds : float
        Length of the signal.
    from_start, to_end : bool
        Whether the signal begins and ends where the track does.

    Returns
    -------
    tuple of Section or None
        From 0 to the end without gaps; None for fewer than eight bars.

    References
    ----------
    Foote, "Automatic audio segmentation using a measure of audio novelty", 2000 (distance of bars); Serra, Mueller,
    Grosche and Arcos, "Unsupervised music structure annotation by time series structure features and segment
    similarity", 2014 (labels by similarity); Jackson et al., "An algorithm for optimal partitioning of data on an
    interval", 2005; Marmoret, Cohen and Bimbot, "Barwise music structure analysis with the correlation block-matching
    segmentation algorithm", 2023 (bars as units, and a price on odd lengths).
    """
    if len(bars.sound) < _FEWEST_BARS:
        return None
    rows = np.concatenate((bars.sound, _CHROMA * bars.chroma), axis=1)
    cuts = partition(rows)
    labels = _labels(rows, cuts)
    loudness = np.array([float(bars.power[a:b].mean()) for a, b in pairwise(cuts)])
    energies = np.sqrt(loudness / max(float(loudness.max()), 1e-20))
    kinds = _kinds(bars, cuts, energies, from_start=from_start, to_end=to_end)
    edges = [0.0, *(float(bars.edges[cut]) for cut in cuts[1:-1]), seconds]
    return tuple(
        Section(round(start, 3), round(end, 3), label, kind, round(energy, 2))
        for (start, end), label, kind, energy in zip(pairwise(edges), labels, kinds, energies.tolist(), strict=True)
    )


def partition(rows: F64) -> list[int]:
    """Cut rows where they change, at the least sum of squares within parts plus the price of each part.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, m)
        One per bar.

    Returns
    -------
    list of int
        Places of the cuts, from 0 to n.
    """
    n = len(rows)
    centred = rows - rows.mean(axis=0)
    total = np.concatenate((np.zeros((1, rows.shape[1])), np.cumsum(centred, axis=0)))
    squares = np.concatenate(([0.0], np.cumsum(np.square(centred).sum(axis=1))))
    usual = float(np.median(np.square(np.diff(rows, axis=0)).sum(axis=1))) / 2.0
    price = _PER_SECTION * usual + _PER_SPREAD * float(squares[-1])
    cost, before = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    cost[0] = 0.0
    for end in range(1, n + 1):
        starts = np.arange(max(0, end - _LONGEST_BARS), end)
        length = end - starts
        sums = total[end] - total[starts]
        within = squares[end] - squares[starts] - np.square(sums).sum(axis=1) / length
        odd = np.array([_ODD[k % 4] + _SHORT * (k < 4) for k in length.tolist()])  # noqa: PLR2004 -- bars
        # Where the excerpt begins and ends no section has to be whole.
        odd[starts == 0] *= 0.3
        if end == n:
            odd *= 0.3
        sums_of = cost[starts] + within + price * (1.0 + odd)
        best = int(sums_of.argmin())
        cost[end], before[end] = sums_of[best], starts[best]
    cuts = [n]
    while cuts[-1]:
        cuts.append(int(before[cuts[-1]]))
    return cuts[::-1]


def _labels(rows: F64, cuts: list[int]) -> list[str]:
    """Give sections that are alike the same letter, in the order in which they come."""
    means = np.stack([rows[a:b].mean(axis=0) for a, b in pairwise(cuts)])
    groups = [[k] for k in range(len(means))]
    distances = np.square(means[:, None] - means).sum(axis=2)
    limit = _ALIKE * float(np.square(rows - rows.mean(axis=0)).sum(axis=1).mean())
    while len(groups) > 1:
        pairs = [
            (float(distances[np.ix_(groups[i], groups[j])].mean()), i, j)
            for i in range(len(groups))
            for j in range(i + 1, len(groups))
        ]
        least, i, j = min(pairs)
        if least > limit:
            break
        groups[i] += groups.pop(j)
    order = sorted(groups, key=min)
    letters = {k: _LETTERS[min(number, 25)] for number, group in enumerate(order) for k in group}
    return [letters[k] for k in range(len(means))]


def _kinds(bars: Bars, cuts: list[int], energies: F64, *, from_start: bool, to_end: bool) -> list[str | None]:
    """Say which part each section plays, where its energy and its low end tell.

    The parts are those of dance music: where no drums are heard, they have no names.
    """
    spans = list(pairwise(cuts))
    low = np.array([float(bars.low[a:b].mean()) for a, b in spans])
    low /= max(float(low.max()), 1e-9)
    full = (energies >= _FULL) & (low >= 0.5)  # noqa: PLR2004 -- half the bass drum
    soft = (energies < _SOFT) | (low < 0.3)  # noqa: PLR2004 -- no bass drum
    drummed = bars.low >= 0.5  # noqa: PLR2004 -- half the bass drum
    if not soft.any() or float(np.median(bars.struck[drummed])) < _DRUMS:
        return [None] * len(spans)
    kinds: list[str | None] = [None] * len(spans)
    last = len(spans) - 1
    for k, span in enumerate(spans):
        if full[k]:
            kinds[k] = "drop"
        elif k == 0 and from_start:
            kinds[k] = "intro"
        elif k == last and to_end:
            kinds[k] = "outro"
        elif k < last and full[k + 1] and _rises(bars, span):
            kinds[k] = "build"
        elif soft[k]:
            kinds[k] = "break"
    return kinds


def _rises(bars: Bars, span: tuple[int, int]) -> bool:
    """Return whether a section is clearly louder or busier at its end than at its beginning."""
    a, b = span
    if b - a < 2:  # noqa: PLR2004 -- one bar cannot rise
        return False
    half = (a + b) // 2
    louder = float(bars.power[half:b].mean()) > 1.4 * float(bars.power[a:half].mean())
    onsets = bars.sound[:, -4]
    busier = float(onsets[half:b].mean()) > 1.3 * float(onsets[a:half].mean())
    return louder or busier
