"""What is known of one sound, beside the table: its waveform, the answers of its card, and the candidates."""

from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from samplemind_cli import card, layout
from samplemind_cli.browse import drawing
from samplemind_worker.text import clean

Report = dict[str, Any]

_LABEL: Final = 13
_LEAST_WIDTH: Final = 30
_CANDIDATES: Final = 3
_LOW, _HIGH = 3, 6  # lines of the waveform
_TALL: Final = 20  # lines from which the pane has room for a high waveform


class Details(VerticalScroll):
    """The pane of the details; it can be scrolled."""

    def __init__(self) -> None:
        super().__init__(id="details")
        self._report: Report | None = None
        self._waveform = b""
        self._played: float | None = None

    def compose(self) -> ComposeResult:
        """Lay out the waveform above the text."""
        yield Static("", id="waveform", markup=False)
        yield Static("", id="facts", markup=False)

    def show(self, report: Report | None, waveform: bytes) -> None:
        """Show another sound."""
        self._report, self._waveform, self._played = report, waveform, None
        self.scroll_home(animate=False)
        self._draw()

    def show_played(self, share: float | None) -> None:
        """Show how much of the sound, 0 to 1, has been heard; None where none is played."""
        if share != self._played:
            self._played = share
            self._draw_waveform()

    def on_resize(self) -> None:
        """Fit everything to the new size."""
        self._draw()

    def _width(self) -> int:
        return max(self.scrollable_content_region.width - 1, _LEAST_WIDTH)

    def _draw_waveform(self) -> None:
        height = _HIGH if self.size.height >= _TALL else _LOW
        lines = drawing.large(self._waveform, self._width(), height, played=self._played)
        self.query_one("#waveform", Static).update(Text("\n").join(lines))

    def _draw(self) -> None:
        self._draw_waveform()
        text = Text()
        for label, value in () if self._report is None else _rows(self._report):
            for number, line in enumerate(layout.wrap(clean(value), self._width() - _LABEL)):
                text.append(f"{'' if number else label:{_LABEL}}", "dim" if label else "").append(line + "\n")
        self.query_one("#facts", Static).update(text)


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the lines of the card, with the candidates behind what they are candidates for."""
    yield "file", report["filename"]
    for label, value in card.answers_of(report):
        yield label, value
        if label == "tempo":
            yield from _candidates([(f"{one['tempo']:.2f}", one["score"]) for one in report["tempo_candidates"]])
        elif label == "key":
            keys = report["key_candidates"]
            yield from _candidates([(f"{one['key']} {one['mode']}", one["score"]) for one in keys])
    yield from card.details_of(report)
    for label, name in card.TEXTS:
        for number, text in enumerate(report.get(name) or ()):
            yield "" if number else label, f"- {text}"


def _candidates(found: list[tuple[str, float]]) -> Iterator[tuple[str, str]]:
    if len(found) > 1:
        yield "", "candidates: " + ", ".join(f"{name} ({score:.2f})" for name, score in found[:_CANDIDATES])
