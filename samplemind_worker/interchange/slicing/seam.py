"""Loop points that repeat without a click, and so need no crossfade.

Conventions: frames, counted from 0; a loop ends with its last frame, which is played (as in the chunk ``smpl``).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]

_REACH: Final = 0.004
"""Seconds by which either end may move: less than what the ear takes for another tempo."""


def loop_points(y: F32, rate: int, start: int, end: int) -> tuple[int, int]:
    """Return the first and the last frame of a loop, near the wanted ones, that join best.

    The step from the last frame to the first one should be the step that the signal was about to take: the cost of a
    pair is how far the first frame is from the straight line through the last two, and that line's slope from the slope
    after the first frame. The nearest of equal pairs to the wanted one is taken.

    Parameters
    ----------
    y : ndarray of float32, shape (frames, channels)
    rate : int
        Hz.
    start, end : int
        The wanted first and last frame.
    """
    reach = round(_REACH * rate)
    starts = np.arange(max(start - reach, 0), min(start + reach, len(y) - 2) + 1)
    ends = np.arange(max(end - reach, 2), min(end + reach, len(y) - 1) + 1)
    if len(starts) == 0 or len(ends) == 0 or ends[0] <= starts[-1]:
        return start, end
    near = y[starts[0] : starts[-1] + 2].astype(np.float64)
    last = y[ends[0] - 1 : ends[-1] + 1].astype(np.float64)
    value, slope = near[:-1], np.diff(near, axis=0)
    before, rise = last[1:], np.diff(last, axis=0)
    cost = np.zeros((len(starts), len(ends)))
    for channel in range(y.shape[1]):
        cost += (value[:, None, channel] - (before + rise)[None, :, channel]) ** 2
        cost += (slope[:, None, channel] - rise[None, :, channel]) ** 2
    distance = np.abs(starts - start)[:, None] + np.abs(ends - end)[None, :]
    cost += 1e-9 * distance / max(reach, 1)
    best = np.unravel_index(int(cost.argmin()), cost.shape)
    return int(starts[best[0]]), int(ends[best[1]])
