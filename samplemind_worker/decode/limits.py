"""What a file may ask for."""

from dataclasses import dataclass
from typing import Final

from samplemind_worker.errors import TooLargeError, TooLongError, UnsupportedError

_LOWEST_RATE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask for."""

    max_duration: float = 3600.0
    """Longest file in seconds."""
    max_channels: int = 64
    max_sample_rate: int = 768_000
    excerpt_seconds: float = 120.0
    """Longest stretch that is kept for analysis."""

    def check_sound(self, rate: int, channels: int) -> None:
        """Refuse a rate or a number of channels that is not taken.

        Raises
        ------
        TooLargeError, UnsupportedError
        """
        if rate > self.max_sample_rate:
            raise TooLargeError(f"{rate} samples per second; at most {self.max_sample_rate} are taken")
        if rate < _LOWEST_RATE:
            raise UnsupportedError(f"{rate} samples per second; at least {_LOWEST_RATE} are needed")
        self.check_channels(channels)

    def check_channels(self, channels: int) -> None:
        """Refuse more channels than are taken.

        Raises
        ------
        TooLargeError
        """
        if channels > self.max_channels:
            raise TooLargeError(f"{channels} channels; at most {self.max_channels} are taken")

    def check_duration(self, frames: int, rate: int) -> None:
        """Refuse more frames than the longest file has.

        Raises
        ------
        TooLongError
        """
        if frames > self.max_duration * rate:
            raise self.too_long()

    def too_long(self) -> TooLongError:
        """Return what is said of a file that is too long."""
        return TooLongError(f"over {self.max_duration:g} s long; raise SAMPLEMIND_MAX_DURATION to take it")
