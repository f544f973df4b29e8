"""Makes a small separation model, to try and to test what runs one: ``python -m tests.stems_model FILE``.

It has two stems, which add up to the mix: what a low-pass filter lets through (bass), and the rest.
"""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

TAPS = 101
CUT = 200.0 / 44_100.0
"""The cut-off frequency, relative to the sampling rate."""


def low_pass() -> "np.typing.NDArray[np.float32]":
    """Return the taps of the filter: a sinc under a Hann window, with the sum 1."""
    at = np.arange(TAPS) - TAPS // 2
    taps = np.sinc(2.0 * CUT * at) * np.hanning(TAPS + 2)[1:-1]
    return (taps / taps.sum()).astype(np.float32)


def make(
    path: Path,
    *,
    channels: int = 2,
    samples: int | None = None,
    facts: Mapping[str, str] | None = None,
    scale: float = 1.0,
) -> str:
    """Write the model, and return its SHA-256; ``samples`` fixes the length of its chunks."""
    length: int | str = "samples" if samples is None else samples
    taps = np.repeat(scale * low_pass()[None, None], channels, axis=0)
    nodes = [
        helper.make_node("Conv", ["mix", "taps"], ["low"], group=channels, pads=[TAPS // 2, TAPS // 2]),
        helper.make_node("Sub", ["mix", "low"], ["high"]),
        helper.make_node("Unsqueeze", ["low", "axis"], ["low4"]),
        helper.make_node("Unsqueeze", ["high", "axis"], ["high4"]),
        helper.make_node("Concat", ["low4", "high4"], ["stems"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "separation",
        [helper.make_tensor_value_info("mix", TensorProto.FLOAT, [1, channels, length])],
        [helper.make_tensor_value_info("stems", TensorProto.FLOAT, [1, 2, channels, length])],
        [
            helper.make_tensor("taps", TensorProto.FLOAT, taps.shape, taps.ravel().tolist()),
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict({"stems": "bass,rest", "sample_rate": "44100"} if facts is None else facts))
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(make(Path(sys.argv[1])) + "\n")
