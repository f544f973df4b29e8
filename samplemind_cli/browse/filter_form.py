"""The form in which the filters of the browser are set: those of `samplemind search`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, Label, Static

from samplemind_cli import filters as filter_options
from samplemind_worker.errors import UsageError

Filters = dict[str, Any]


class Flag(Checkbox):
    """A box that is empty unless it is checked: Textual shows that by a colour alone."""

    @property
    def BUTTON_INNER(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # noqa: N802 -- textual's name
        """What is in the box."""
        return "X" if self.value else " "


class FilterForm(ModalScreen[Filters | None]):
    """Asks for filters; its result is None if it is left without a change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Back", priority=True),
        Binding("enter", "apply", "Apply", priority=True),
        Binding("ctrl+r", "clear", "Clear all", priority=True),
        Binding("down", "app.focus_next", show=False, priority=True),
        Binding("up", "app.focus_previous", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    FilterForm { align: center middle; }
    FilterForm > Vertical { width: 76; height: 90%; max-height: 24; border: round ansi_default; padding: 0 1; }
    FilterForm Grid { grid-size: 2; grid-columns: 14 1fr; grid-rows: 1; height: auto; grid-gutter: 0 1; }
    FilterForm Input, FilterForm Checkbox { height: 1; border: none; padding: 0; width: 1fr; }
    FilterForm .said { height: 1; text-style: bold; }
    """

    def __init__(self, filters: Mapping[str, Any]) -> None:
        super().__init__()
        self._wanted = dict(filters)

    def compose(self) -> ComposeResult:
        """Lay out a line for each filter."""
        with Vertical():
            yield Label("Filters: enter applies, escape goes back, ctrl+r clears all", classes="said", markup=False)
            with VerticalScroll(), Grid():
                for name, metavar, text in filter_options.fields():
                    yield Label(name.replace("_", "-"))
                    if metavar:
                        value = self._wanted.get(name) or ""
                        yield Input(str(value), placeholder=text, id=name, compact=True, select_on_focus=False)
                    else:
                        yield Flag(text, bool(self._wanted.get(name)), id=name, compact=True)
            yield Static("", id="refusal", classes="said", markup=False)

    def on_mount(self) -> None:
        """Begin with the first filter."""
        self.set_focus(self.query(Input).first())  # at once: the next key may have been pressed already

    def action_cancel(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)

    def action_clear(self) -> None:
        """Remove all filters."""
        for each in self.query(Input):
            each.value = ""
        for each in self.query(Checkbox):
            each.value = False

    def action_apply(self) -> None:
        """Take the filters, unless one of them cannot be read."""
        given: Filters = {str(each.id): each.value.strip() or None for each in self.query(Input)}
        given |= {str(each.id): each.value for each in self.query(Checkbox)}
        try:
            filter_options.check(given)
        except UsageError as error:
            self.query_one("#refusal", Static).update(str(error))
            return
        self.dismiss(given)
