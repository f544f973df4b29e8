"""Sounds in the formats that FFmpeg writes, made in memory by PyAV."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import av
import numpy as np
import numpy.typing as npt

_BLOCK = 1024
VBR = {"flags": "+qscale", "global_quality": "236"}
"""MP3 of variable rate, quality 2 (FFmpeg counts in parts of 118)."""


def encode(
    y: npt.NDArray[np.floating],
    container: str,
    codec: str,
    *,
    sr: int = 44100,
    options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Return a file with one stream of sound; ``y`` is (n,) or (n, channels) within -1 to 1."""
    return encode_streams(
        [y], container, codec, sr=sr, options=options, container_options=container_options, metadata=metadata
    )


def encode_streams(
    sounds: Sequence[npt.NDArray[np.floating]],
    container: str,
    codec: str,
    *,
    sr: int = 44100,
    options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Return a file with several streams of sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, container_options=dict(container_options or {})) as output:
        output.metadata.update(metadata or {})
        streams: list[tuple[Any, npt.NDArray[np.int16]]] = []
        for y in sounds:
            pcm = np.round(np.clip(y.reshape(len(y), -1), -1.0, 1.0) * 32767.0).astype(np.int16)
            layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[pcm.shape[1]]
            stream = output.add_stream(codec, rate=sr, layout=layout, options={"b": "128000"} | dict(options or {}))
            stream.codec_context.thread_count = 1
            streams.append((stream, pcm))
        for stream, pcm in streams:
            _write(output, stream, pcm, sr)
        for stream, _ in streams:
            output.mux(stream.encode(None))
    return file.getvalue()


def _write(output: Any, stream: Any, pcm: npt.NDArray[np.int16], sr: int) -> None:
    context = stream.codec_context
    size = context.frame_size or _BLOCK
    resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=sr, frame_size=size)
    for start in range(0, len(pcm), size):
        block = np.ascontiguousarray(pcm[start : start + size].reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout=context.layout)
        frame.sample_rate, frame.pts = sr, start
        for one in resampler.resample(frame):
            output.mux(stream.encode(one))
    for one in resampler.resample(None):
        output.mux(stream.encode(one))


def pictures(container: str, codec: str) -> bytes:
    """Return a film without sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=10, width=64, height=64, pix_fmt="yuv420p")
        for shade in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 * shade, np.uint8), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()
