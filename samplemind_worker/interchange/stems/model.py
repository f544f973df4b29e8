"""Runs a separation model that the user names: an ONNX file with its hash and licence in the settings.

The model takes one tensor of shape (batch, channels, samples), float32 from -1 to 1, and gives one of shape (batch,
stems, channels, samples), as exports of Demucs do. Its metadata may hold ``stems`` (names, separated by commas) and
``sample_rate``; without them it has 44,100 Hz, and four stems are drums, bass, other and vocals. A model whose number
of samples is fixed gets chunks of that length, any other one chunks of ten seconds; they overlap by a quarter.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soxr

from config.settings import Settings
from samplemind_worker.errors import SetupError, UnsupportedError, UsageError, how_to_add
from samplemind_worker.interchange.naming import Names, safe_name

F32 = npt.NDArray[np.float32]

_RATE: Final = 44_100
_USUAL: Final = ("drums", "bass", "other", "vocals")
_SECONDS: Final = 10.0
_OVERLAP: Final = 0.25
_BLOCK: Final = 1 << 16
_MOST_STEMS: Final = 32
_INPUT_AXES, _OUTPUT_AXES = 3, 4


class Model:
    """A separation model that is loaded."""

    def __init__(self, settings: Settings) -> None:
        """Load the model that the settings name, after its bytes have been compared with its hash.

        Raises
        ------
        UsageError
            If the settings name no model, or not its hash and licence.
        SetupError
            If it is not there, is another file than the hash says, cannot be run, or is no such model.
        """
        path, digest, licence = settings.stems_model, settings.stems_model_hash, settings.stems_model_licence
        if path is None:
            raise UsageError("no model is named: set SAMPLEMIND_STEMS_MODEL")
        if not digest or not licence:
            missing = "SAMPLEMIND_STEMS_MODEL_HASH" if not digest else "SAMPLEMIND_STEMS_MODEL_LICENCE"
            raise UsageError(f"a model needs its hash and its licence, too: set {missing}")
        self.path, self.licence = path, licence
        self._session = _session(path, digest)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        taken = inputs[0].shape if len(inputs) == 1 else []
        given = outputs[0].shape if len(outputs) == 1 else []
        if len(taken) != _INPUT_AXES or len(given) != _OUTPUT_AXES or inputs[0].type != "tensor(float)":
            raise SetupError(
                f"{path} is no separation model: wanted (batch, channels, samples) to (batch, stems, channels, samples)"
            )
        self._input = str(inputs[0].name)
        self._channels: int | None = taken[1] if isinstance(taken[1], int) else None
        facts: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self.rate = _rate(facts, path)
        self.chunk: int = taken[2] if isinstance(taken[2], int) else round(_SECONDS * self.rate)
        self._names = [name.strip() for name in facts.get("stems", "").split(",") if name.strip()]
        self.stems = self._stems(given[1])

    def _stems(self, count: object) -> list[str]:
        """Return the names of the stems, each of which can be the name of a file."""
        if not isinstance(count, int):
            count = len(self._names)
        if not 0 < count <= _MOST_STEMS:
            raise SetupError(f"{self.path} does not say how many stems it gives")
        names = self._names
        if len(names) != count:
            names = list(_USUAL) if count == len(_USUAL) else [f"stem {number + 1}" for number in range(count)]
        taken = Names()
        return [taken.free("", safe_name(name)) for name in names]

    def separate(self, y: F32, rate: int) -> Iterator[list[F32]]:
        """Yield the next block of each stem, at the rate of the signal; each stem is as long as the signal.

        Raises
        ------
        UnsupportedError
            If the signal has more than two channels.
        SetupError
            If the model fails, or gives something else than it promises.
        """
        channels = y.shape[1]
        if channels > 2:  # noqa: PLR2004 -- left and right
            raise UnsupportedError(f"{channels} channels; a model takes one or two")
        back = [soxr.ResampleStream(self.rate, rate, channels, dtype="float32") for _ in self.stems]
        left = len(y)
        for blocks, is_last in _with_last(self._chunks(y, rate)):
            done = blocks
            if self.rate != rate:
                done = [stream.resample_chunk(b, last=is_last) for stream, b in zip(back, blocks, strict=True)]
            done = [block[:left] for block in done]
            if is_last and len(done[0]) < left:
                # A resampler may return some samples fewer.
                done = [np.pad(block, ((0, left - len(block)), (0, 0))) for block in done]
            left -= len(done[0])
            yield done

    def _chunks(self, y: F32, rate: int) -> Iterator[list[F32]]:
        """Yield blocks of all stems at the model's rate, faded from one chunk to the next."""
        step = self.chunk - int(_OVERLAP * self.chunk)
        fade = np.linspace(0.0, 1.0, self.chunk - step, dtype=np.float32)[:, None]
        buffer, tails = np.zeros((0, y.shape[1]), np.float32), None
        for block, is_last in _with_last(self._resampled(y, rate)):
            buffer = np.concatenate((buffer, block))
            while len(buffer) >= self.chunk or (is_last and len(buffer) > 0):
                stems = self._run(buffer[: self.chunk])
                if tails is not None:
                    size = min(len(fade), stems.shape[1])
                    stems[:, :size] = tails[:, :size] * (1.0 - fade[:size]) + stems[:, :size] * fade[:size]
                at_end = is_last and len(buffer) <= self.chunk
                yield list(stems if at_end else stems[:, :step])
                tails = stems[:, step:]
                buffer = buffer[self.chunk :] if at_end else buffer[step:]

    def _resampled(self, y: F32, rate: int) -> Iterator[F32]:
        stream = soxr.ResampleStream(rate, self.rate, y.shape[1], dtype="float32")
        for start in range(0, len(y), _BLOCK):
            block = np.ascontiguousarray(y[start : start + _BLOCK])
            yield block if rate == self.rate else stream.resample_chunk(block, last=start + _BLOCK >= len(y))

    def _run(self, part: F32) -> F32:
        """Return the stems of a chunk, shape (stems, frames, channels)."""
        frames, channels = part.shape
        x = np.zeros((channels, self.chunk), np.float32)
        x[:, :frames] = part.T
        wanted = self._channels or channels
        # Channels as the model takes them: one after the other, or one twice.
        if wanted == 1:
            given = [self._ask(x[None, channel : channel + 1]) for channel in range(channels)]
            stems = np.concatenate(given, axis=1)
        else:
            stems = self._ask((x if channels == wanted else np.repeat(x, wanted, axis=0))[None])[:, :channels]
        return np.ascontiguousarray(stems[:, :, :frames].transpose(0, 2, 1))

    def _ask(self, x: F32) -> F32:
        try:
            [answer] = self._session.run(None, {self._input: x})
        except Exception as error:
            raise SetupError(f"{self.path} fails: {error}") from error
        wanted = (1, len(self.stems), x.shape[1], x.shape[2])
        if answer.shape != wanted or not np.isfinite(answer).all():
            what = f"of shape {answer.shape}, wanted {wanted}" if answer.shape != wanted else "that is not finite"
            raise SetupError(f"{self.path} gives something {what}")
        return np.asarray(answer[0], np.float32)


def _session(path: Path, digest: str) -> Any:
    try:
        import onnxruntime  # noqa: PLC0415 -- slow import
    except ImportError as error:
        raise SetupError(f"running a model needs onnxruntime: add the extra with {how_to_add('stems')}") from error
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SetupError(f"the model cannot be read: {error.strerror}: {path}") from error
    if hashlib.sha256(content).hexdigest() != digest.lower():
        raise SetupError(f"{path} is not the file that SAMPLEMIND_STEMS_MODEL_HASH names; it was not run")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        # The bytes that were compared, not the file, which may be exchanged meanwhile.
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise SetupError(f"{path} cannot be run: {error}") from error


def _rate(facts: dict[str, str], path: Path) -> int:
    text = facts.get("sample_rate", str(_RATE))
    if not text.isdecimal() or not 1000 <= int(text) <= 768_000:  # noqa: PLR2004 -- the rates that are decoded
        raise SetupError(f"{path} names no sample rate: {text[:40]!r}")
    return int(text)


def _with_last(blocks: Iterator[Any]) -> Iterator[tuple[Any, bool]]:
    """Yield each block, and whether it is the last one."""
    before = next(blocks, None)
    while before is not None:
        block = next(blocks, None)
        yield before, block is None
        before = block
