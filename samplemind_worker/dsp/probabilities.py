"""Asks a network about one sound.

`network.Network.logits` gives the same for any number of sounds, without numba. For one sound its calls of NumPy would
take longer than the sums.
"""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _networks
from samplemind_worker.dsp.network import load_network

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


def probabilities(name: str, rows: F32 | F64, *, part: str = "net") -> F64:
    """Return the probability of each answer.

    Parameters
    ----------
    name : str
        The model.
    rows : ndarray of float, shape (d,) or (n, d)
        The measures of a sound, or of all its candidates, one of which is right.
    part : str
        Prefix of the network's arrays in the model.

    Returns
    -------
    ndarray of float, shape (k,) or (n k,)
        For each row the probabilities of its ``k`` outputs; the sum of all is 1.
    """
    net = load_network(name, part)
    table = np.ascontiguousarray(rows, np.float32).reshape(-1, len(net.first))
    out = np.empty(len(table) * net.last.shape[1])
    _networks.probabilities(table, net.middle, net.first, net.base, net.last, out)
    return out
