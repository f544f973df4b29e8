"""An app that asks in threads, so that its screen never waits.

An answer comes back as a message. It is dropped if another question of the same sort was asked since. While a service
does not answer, questions about what is on the screen are asked again until it does.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from textual.app import App
from textual.events import Event, Key
from textual.message import Message
from textual.widgets import Input
from textual.worker import get_current_worker

from samplemind_worker.errors import SampleMindError, ServiceUnavailableError

_AGAIN: Final = 1.0  # s after which a question is asked again that a service did not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    sort: str
    question: Callable[[], Any]
    then: Callable[[Any], None]
    is_shown: bool
    number: int
    """Among the questions of its sort."""


class AskingApp(App[None]):
    """Runs questions in threads."""

    class Answered(Message):
        """A question was answered."""

        def __init__(self, answer: Callable[[], object]) -> None:
            super().__init__()
            self.answer = answer

    def __init__(self) -> None:
        super().__init__()
        self._asked: Counter[str] = Counter()
        self._lacks_service = False

    async def on_event(self, event: Event) -> None:
        """Act on a key before the next one is taken.

        Textual hands a key to the widget that has the focus, and looks for its action later. Keys that come together
        would thus all go to that widget, even if the first one moves the focus.
        """
        if isinstance(event, Key) and not event.is_forwarded and await self._is_done(event):
            return
        await super().on_event(event)

    async def _is_done(self, event: Key) -> bool:
        """Type the letter of a key into the line that has the focus, or run the action that the key stands for."""
        line = self.focused
        if isinstance(line, Input) and event.is_printable and event.character is not None:
            line.replace(event.character, *line.selection)
            return True
        bound = self.screen.active_bindings.get(event.key)
        return bound is not None and bound.enabled and await self.run_action(bound.binding.action, bound.node)

    def say(self, text: str) -> None:
        """Show one line to the user."""
        raise NotImplementedError

    def recover(self) -> None:
        """Start what has died, if that is up to this command; called in a thread."""
        raise NotImplementedError

    def ask(
        self, sort: str, question: Callable[[], Any], then: Callable[[Any], None], *, is_shown: bool = True
    ) -> None:
        """Run a question in a thread, then hand its answer on; a later question of the same sort replaces it.

        If ``is_shown``, the question is about what the screen shows, and is asked until it is answered.
        """
        self._asked[sort] += 1
        self._run_question(
            _Question(sort=sort, question=question, then=then, is_shown=is_shown, number=self._asked[sort])
        )

    def _run_question(self, asked: _Question, *, is_again: bool = False) -> None:
        def _run() -> None:
            worker = get_current_worker()
            try:
                if is_again:
                    self.recover()
                answer = asked.question()
            except SampleMindError as error:
                text, away = str(error), isinstance(error, ServiceUnavailableError)
                self.post_message(self.Answered(lambda: worker.is_cancelled or self._fail(asked, text, is_away=away)))
            except Exception as error:  # noqa: BLE001 -- the edge of a thread: whatever it is, it is told on the screen
                text = f"{type(error).__name__}: {error}"
                self.post_message(self.Answered(lambda: worker.is_cancelled or self._fail(asked, text, is_away=False)))
            else:
                self.post_message(self.Answered(lambda: worker.is_cancelled or self._take(asked, answer)))

        self.run_worker(_run, thread=True, exclusive=True, group=asked.sort)

    def _take(self, asked: _Question, answer: Any) -> None:
        if self._lacks_service:
            self._lacks_service = False
            self.say("the services answer again")
        asked.then(answer)

    def _fail(self, asked: _Question, text: str, *, is_away: bool) -> None:
        """Show why there is no answer; ask again, if a service is away and the screen shows what it was asked for."""
        if not (is_away and asked.is_shown):
            if not (is_away and self._lacks_service):  # or else it has been said already
                self.say(text)
            return
        self._lacks_service = True
        self.say(f"trying again: {text}")
        self.set_timer(_AGAIN, lambda: self._ask_again(asked))

    def _ask_again(self, asked: _Question) -> None:
        if self._asked[asked.sort] == asked.number:
            self._run_question(asked, is_again=True)

    def on_asking_app_answered(self, message: Answered) -> None:
        """Take an answer in."""
        message.answer()
