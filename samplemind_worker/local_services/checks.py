"""The result of one check of `doctor`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """The result of one check; one that is ok, but has something to mend, is a warning."""

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
