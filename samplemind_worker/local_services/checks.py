"""What `doctor` says of one thing that it looked at."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """One thing looked at. Fine but with something to mend is a warning."""

    name: str
    ok: bool
    detail: str
    mend: str = ""

    @property
    def state(self) -> Literal["ok", "warn", "fail"]:
        """The three-way verdict."""
        if not self.ok:
            return "fail"
        return "warn" if self.mend else "ok"
