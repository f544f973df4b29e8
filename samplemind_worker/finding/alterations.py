"""Finds altered copies among the fingerprints of a library, in memory, and says in words how they differ."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

DEFAULT_THRESHOLD: Final = 0.9
"""How alike two sounds must be to be called copies: `likeness` says how it was chosen."""
_LEAST_DB, _LEAST_SECONDS = 0.5, 0.0015


@dataclass(frozen=True, slots=True)
class Alteration:
    """How the second of two sounds that are alike differs from the first."""

    alike: float
    """0 to 1."""
    louder: float
    """dB."""
    later: float
    """Seconds by which its sound begins later in its file; negative if earlier."""
    is_inverted: bool
    lost: float = 0.0
    """Seconds of the first one's sound, at its beginning or end, that the second one does not have."""
    gained: float = 0.0
    """Seconds of the second one's sound that the first one does not have."""

    def reversed(self) -> "Alteration":
        """Return how the first one differs from the second."""
        return dataclasses.replace(self, louder=-self.louder, later=-self.later, lost=self.gained, gained=self.lost)

    @property
    def completes(self) -> bool:
        """Whether the second one has sound that is cut from the first."""
        return self.gained >= _LEAST_SECONDS

    def ends_sooner(self, shorter: float) -> float:
        """Return by how many seconds its sound ends sooner after its beginning, for a file that is so much shorter."""
        return shorter + self.later

    def in_words(self, *, shorter: float) -> Iterator[str]:
        """Yield its differences; ``shorter`` is by how many seconds its file is shorter."""
        if abs(self.louder) >= _LEAST_DB:
            yield f"{abs(self.louder):.1f} dB {'louder' if self.louder > 0 else 'quieter'}"
        if self.is_inverted:
            yield "inverted polarity"
        if abs(self.later) >= _LEAST_SECONDS:
            yield f"begins {_duration(abs(self.later))} {'later' if self.later > 0 else 'earlier'}"
        end = self.ends_sooner(shorter)
        if abs(end) >= _LEAST_SECONDS:
            yield f"ends {_duration(abs(end))} {'sooner' if end > 0 else 'later'} after that"


def _duration(seconds: float) -> str:
    return f"{1000.0 * seconds:.0f} ms" if seconds < 1.0 else f"{seconds:.1f} s"


class Index:
    """The fingerprints of a library: 1.7 KB per sound."""

    def __init__(self, *, skip: Collection[str]) -> None:
        """Make an empty one; contents in ``skip`` are left out."""
        self._skip = skip
        self._ids: list[str] = []
        self._prints = bytearray()
        self.outdated: list[str] = []
        """Contents whose fingerprint is of another version."""

    def __len__(self) -> int:
        """Return the number of sounds."""
        return len(self._ids)

    def add(self, page: Iterable[tuple[str, bytes | None]]) -> None:
        """Take in the fingerprints of contents; a silent sound has none."""
        from samplemind_worker import fingerprints  # noqa: PLC0415 -- slow import

        for content, taken in page:
            if taken is None or content in self._skip:
                continue
            if len(taken) != fingerprints.LAYOUT.itemsize or taken[0] != fingerprints.VERSION:
                self.outdated.append(content)
            else:
                self._ids.append(content)
                self._prints += taken

    def pairs(self, *, threshold: float) -> dict[tuple[str, str], Alteration]:
        """Return the pairs of contents that are alike at least so much, and how the second differs from the first."""
        import numpy as np  # noqa: PLC0415 -- slow import

        from samplemind_worker import fingerprints  # noqa: PLC0415 -- slow import
        from samplemind_worker.finding import likeness  # noqa: PLC0415 -- slow import

        prints = np.frombuffer(self._prints, fingerprints.LAYOUT)
        alike: dict[tuple[str, str], Alteration] = {}
        pairs = likeness.candidates(likeness.describe(prints))
        for _ in range(2):
            if not len(pairs):
                break
            found = likeness.compare(prints, pairs)
            values = found.alike()
            same = np.flatnonzero(values >= threshold)
            for k, (one, other) in zip(same.tolist(), pairs[same].tolist(), strict=True):
                alike[self._ids[one], self._ids[other]] = Alteration(
                    float(values[k]),
                    louder=float(found.louder[k]),
                    later=float(found.later[k]),
                    is_inverted=bool(found.inverted[k]),
                    lost=float(found.lost[k]),
                    gained=float(found.gained[k]),
                )
            # Many copies of one sound crowd each other out of the candidates, so copies of a copy are compared, too.
            pairs = likeness.without(likeness.within_groups(pairs[same]), pairs)
        return alike
