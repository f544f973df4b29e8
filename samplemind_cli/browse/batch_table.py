"""The tab of the batches: the newest ones, with progress that follows by itself."""

from typing import Any, ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from samplemind_cli.progress import ended_of
from samplemind_worker import times
from samplemind_worker.text import clean

Report = dict[str, Any]

SHOWN: Final = 50
"""Batches that are listed."""
_BAR: Final = 16
_NAME: Final = 24
_COLUMNS: Final = ("batch", "progress", "files", "failed", "left", "name")


class BatchTable(DataTable[Text]):
    """The newest batches."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("enter", "select_cursor", "Its sounds"),
    ]

    class Chosen(Message):
        """The sounds of a batch are asked for."""

        def __init__(self, batch_id: str) -> None:
            super().__init__()
            self.batch_id = batch_id

    def __init__(self, *, id: str) -> None:  # noqa: A002 -- textual's name
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)

    def on_mount(self) -> None:
        """Make the columns."""
        for name in _COLUMNS:
            self.add_column(name, key=name)

    def show(self, reports: list[Report]) -> None:
        """Show how the batches stand now; the cursor stays on its batch."""
        ids = [report["batch_id"] for report in reports]
        if ids != [key.value for key in self.rows]:
            at = self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value if self.row_count else None
            self.clear()
            for report in reports:
                self.add_row(*cells(report), key=report["batch_id"])
            if at in ids:
                self.move_cursor(row=ids.index(at))
            return
        for report in reports:
            for name, cell in zip(_COLUMNS, cells(report), strict=True):
                self.update_cell(report["batch_id"], name, cell)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Ask for the sounds of the batch."""
        if event.row_key.value is not None:
            self.post_message(self.Chosen(event.row_key.value))


def cells(report: Report) -> tuple[Text, ...]:
    """Return the row of a batch."""
    total, ended = report["total_files"], ended_of(report)
    share = ended / total if total else float(report["finished_at"] is not None)
    filled = round(share * _BAR)
    state = f"{100 * share:3.0f} %" if report["finished_at"] is None else report["status"]
    left = "-" if not report["eta_seconds"] else times.span(report["eta_seconds"])
    name = Text(clean(report["name"] or ""), no_wrap=True)
    name.truncate(_NAME, overflow="ellipsis")
    return (
        Text(report["batch_id"]),
        Text("█" * filled).append("░" * (_BAR - filled), "dim").append(f" {state}"),
        Text(f"{total:,}", justify="right"),
        Text(f"{report['failed']:,}", justify="right", style="red" if report["failed"] else ""),
        Text(left, justify="right"),
        name,
    )
