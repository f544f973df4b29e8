"""One pass over a sound: measures all of it, keeps a mono mix of its middle."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_128

from samplemind_worker.decode.limits import Limits
from samplemind_worker.dsp.loudness import LOUDEST, LoudnessMeter
from samplemind_worker.dsp.waveform import WaveformMeter

F32 = npt.NDArray[np.float32]
Block = npt.NDArray[Any]
"""float32, or int16 in parts of 32768; (frames, channels)."""

_CANCELLED: Final = 1e-4
"""-40 dB: what is left after two channels cancel is not what anyone hears."""


@lru_cache(maxsize=8)
def _mix(channels: int) -> F32:
    """Return the weights of the channels in the mono mix."""
    return np.full(channels, 1.0 / channels, np.float32)


class Sound(Protocol):
    """An open file, as either of the readers gives it."""

    rate: int
    channels: int
    format: str
    subtype: str
    frames: int | None
    """As its header has it; None if nobody knows."""

    def blocks(self) -> Iterator[Block]:
        """Yield its samples from the beginning, (frames, channels); may be called again."""
        ...


class Measured:
    """What one pass gives."""

    def __init__(self, sound: Sound, limits: Limits) -> None:
        """Read all of a sound, and its excerpt again where the channels cancel each other."""
        self.rate, self.channels = sound.rate, sound.channels
        self._limits = limits
        self._keep = max(1, round(limits.excerpt_seconds * sound.rate))
        self.start = max(0, ((sound.frames or 0) - self._keep) // 2)
        self._parts: list[F32] = []
        self._energies = np.zeros(sound.channels)
        self._mix_energy = 0.0
        self.frames = 0
        self._mix = _mix(sound.channels)
        # A hash per channel: where one block ends and the next begins changes none of them.
        self._hashes = [xxh3_128() for _ in range(sound.channels)]
        self.meter = LoudnessMeter(sr=sound.rate, channels=sound.channels)
        self.warnings: list[str] = []
        # If a sound is kept as a whole, its waveform is measured later, at the lower rate of the analysis.
        is_kept = sound.frames is not None and sound.frames <= self._keep
        self._waveform = None if is_kept else WaveformMeter(sr=sound.rate, samples=sound.frames)
        for block in sound.blocks():
            self._take(block)
            limits.check_duration(self.frames, sound.rate)
        self.y = self._mono(sound)

    def audio_hash(self) -> str:
        """Return the hash of all samples, channels and the rate: 32 hex digits.

        Whole numbers count as fractions of their full scale, so containers and bit depths that hold the same samples
        have the same hash. Samples of more than 24 bits are compared by their first 24.
        """
        whole = xxh3_128(f"{self.rate}".encode())
        for digest in self._hashes:
            whole.update(digest.digest())
        return whole.hexdigest()

    def waveform(self) -> bytes | None:
        """Return the waveform of a sound of which only the middle is kept; None if all of it is."""
        return None if self._waveform is None else self._waveform.result()

    @property
    def width(self) -> float | None:
        """How little two channels have in common: (1 - r) / 2, where r is their correlation; 0 if one is silent."""
        if self.channels != 2:  # noqa: PLR2004 -- left and right
            return None
        left, right = self._energies.tolist()
        # The mix is (left + right) / 2, so its energy is (left + right + 2 * product) / 4.
        product = (4.0 * self._mix_energy - left - right) / 2.0
        scale = math.sqrt(left * right)
        return round(min(max((1.0 - product / scale) / 2.0, 0.0), 1.0), 4) if scale > 0.0 else 0.0

    def _take(self, block: Block) -> None:
        samples, replaced = self.meter.update(block)
        if replaced and "non_finite_samples" not in self.warnings:
            self.warnings.append("non_finite_samples")
        if block.dtype != np.int16:
            samples += 0.0  # a zero of floats may be negative, and is the same sound
        for row, digest in zip(samples, self._hashes, strict=True):
            digest.update(row)
        first, last = max(self.start - self.frames, 0), min(self.start + self._keep - self.frames, len(block))
        if self._waveform is not None:
            mono = samples[0] if len(samples) == 1 else self._mix @ samples
            self._waveform.update(mono)
            mixed = mono[first:last]
        else:
            mixed = None
        if first < last:
            kept = samples[:, first:last]
            if len(kept) == 1:
                self._parts.append(kept[0])
            else:
                self._parts.append(self._mix @ kept if mixed is None else mixed)
                self._energies += [float(np.dot(row, row)) for row in kept]
                self._mix_energy += float(np.dot(self._parts[-1], self._parts[-1]))
        self.frames += len(block)

    def _mono(self, sound: Sound) -> F32:
        if not self._parts:  # shorter than its header promised, so that the middle lies elsewhere
            self.start = max(0, (self.frames - self._keep) // 2)
            return self._first_channel(sound) if self.frames else np.zeros(0, np.float32)
        y = self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts)
        self._parts.clear()
        if self.channels > 1 and self._mix_energy < _CANCELLED * float(self._energies.mean()):
            self.warnings.append("opposite_phase")
            return self._first_channel(sound)
        return y

    def _first_channel(self, sound: Sound) -> F32:
        """Read the excerpt again, and only its first channel; for a waveform, all of the sound."""
        parts: list[F32] = []
        place, end = 0, self.start + self._keep
        if self._waveform is not None:
            self._waveform = WaveformMeter(sr=sound.rate, samples=self.frames)
        for block in sound.blocks():
            whole = block[:, 0].astype(np.float32) * np.float32(1.0 / 32768.0 if block.dtype == np.int16 else 1.0)
            first = np.where(np.abs(whole) < LOUDEST, whole, np.float32(0.0)).astype(np.float32)
            parts.append(first[max(0, self.start - place) : max(0, end - place)])
            if self._waveform is not None:
                self._waveform.update(first)
            place += len(block)
            if self._waveform is None and place >= end:
                break
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)
