"""An app that asks in threads, so that its screen never waits.

An answer comes back as a message. It is dropped if another question of the same sort was asked since.
"""

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.message import Message
from textual.worker import get_current_worker

from samplemind_worker.errors import SampleMindError


class AskingApp(App[None]):
    """Runs questions in threads."""

    class Answered(Message):
        """A question was answered."""

        def __init__(self, answer: Callable[[], object]) -> None:
            super().__init__()
            self.answer = answer

    def say(self, text: str) -> None:
        """Show one line to the user."""
        raise NotImplementedError

    def ask(self, sort: str, question: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Run a question in a thread, then hand its answer on; a later question of the same sort replaces it."""

        def _run() -> None:
            worker = get_current_worker()
            try:
                answer = question()
            except SampleMindError as error:
                text = str(error)
                self.post_message(self.Answered(lambda: worker.is_cancelled or self.say(text)))
            except Exception as error:  # noqa: BLE001 -- the edge of a thread: whatever it is, it is told on the screen
                text = f"{type(error).__name__}: {error}"
                self.post_message(self.Answered(lambda: worker.is_cancelled or self.say(text)))
            else:
                self.post_message(self.Answered(lambda: worker.is_cancelled or then(answer)))

        self.run_worker(_run, thread=True, exclusive=True, group=sort)

    def on_asking_app_answered(self, message: Answered) -> None:
        """Take an answer in."""
        message.answer()
