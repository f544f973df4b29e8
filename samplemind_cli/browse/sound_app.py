"""What the browser does with the sound at the cursor: show it, play it, copy its path, make it a favourite."""

from collections.abc import Callable
from typing import Any, Final

from textual.timer import Timer

from config.settings import Settings
from samplemind_cli import filters as filter_options
from samplemind_cli.browse import desktop
from samplemind_cli.browse.asking import AskingApp
from samplemind_cli.browse.audition import Audition, over_ssh
from samplemind_cli.browse.details import Details
from samplemind_cli.browse.listing import Sound
from samplemind_cli.browse.table import SoundTable
from samplemind_worker.errors import SampleMindError
from samplemind_worker.store import waveforms

HEARD: Final = 0.1
"""Seconds between two looks at what is played."""
_RESTED: Final = 0.12  # s that the cursor rests before its sound is shown and played


class SoundApp(AskingApp):
    """The part of the browser that is about one sound."""

    table: SoundTable
    details: Details

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.audition = Audition([], remote=over_ssh())
        self._is_following = True
        self._rested: Timer | None = None
        self._head = 0.0

    def on_sound_table_moved(self, message: SoundTable.Moved) -> None:
        """Show the sound at the cursor, and play it if the cursor was moved by a key, once the cursor rests."""
        if message.by_hand and self._is_following and not self.audition.trouble:
            self.look_soon(then=self._play)
        else:
            self.look_soon()

    def look_soon(self, then: Callable[[], None] | None = None) -> None:
        """Show the sound at the cursor once the cursor rests, and go on."""
        if self._rested is not None:
            self._rested.stop()
        self._rested = self.set_timer(_RESTED, lambda: self._look(then))

    def _look(self, then: Callable[[], None] | None) -> None:
        sound = self.table.sound
        if sound is None:
            self.details.show(None, b"")
            return

        def _read() -> tuple[Any, bytes]:
            from samplemind_worker.finding.reports import reports_of  # noqa: PLC0415 -- slow import

            return reports_of([sound.file_id]).get(sound.file_id), waveforms.of([sound.file_id]).get(sound.file_id, b"")

        self.ask("details", _read, lambda found: self.details.show(*found))
        if then is not None:
            then()

    def _with_path(self, then: Callable[[Sound, Any], None]) -> None:
        """Find the file of the sound at the cursor, and go on with it."""
        sound = self.table.sound
        if sound is not None:
            question = lambda: _path_of(sound, self.settings)  # noqa: E731 -- one line
            self.ask("path", question, lambda path: then(sound, path), is_shown=False)

    def _play(self) -> None:
        self._with_path(self._begin)

    def _begin(self, sound: Sound, path: Any) -> None:
        trouble = self.audition.play(path)
        self._head = 0.0
        self.table.playing = None if trouble else sound.file_id
        self.table.refresh()
        self.say(trouble)

    def look_at_player(self) -> None:
        """Show how far the sound is heard, and notice its end."""
        if self.table.playing is None:
            return
        said = self.audition.ended()
        self._head += HEARD
        sound = self.table.sound
        is_seen = sound is not None and sound.file_id == self.table.playing and said is None
        share = min(self._head / max(sound.entry["duration"], HEARD), 1.0) if sound is not None and is_seen else None
        self.details.show_played(share)
        if said is not None:
            self._silence(said)

    def _silence(self, said: str = "") -> None:
        self.audition.stop()
        self.table.playing = None
        self.table.refresh()
        self.details.show_played(None)
        if said:
            self.say(said)

    def action_play(self) -> None:
        """Play the sound at the cursor, or end it if it is playing."""
        if (
            self.table.playing is not None
            and self.table.sound is not None
            and self.table.playing == self.table.sound.file_id
        ):
            self._silence()
        elif self.audition.trouble:
            self.say(self.audition.trouble)
        else:
            self._play()

    def action_toggle_following(self) -> None:
        """Choose whether moving the cursor plays."""
        self._is_following = not self._is_following
        self.say("moving plays" if self._is_following else "moving is silent; space plays")

    def action_copy(self) -> None:
        """Copy the path, by the terminal's clipboard."""
        self._with_path(lambda _, path: self._copy(str(path)))

    def _copy(self, path: str) -> None:
        try:
            self.copy_to_clipboard(path)
        except UnicodeEncodeError:
            self.say("its path is not UTF-8, so it cannot be copied; `samplemind search --paths0` prints it")
        else:
            self.say(f"copied {path}")

    def action_reveal(self) -> None:
        """Show the file in the file manager."""

        def _reveal(_: Sound, path: Any) -> None:
            try:
                desktop.reveal(path)
            except (SampleMindError, OSError) as error:
                self.say(str(error))

        self._with_path(_reveal)

    def action_favourite(self) -> None:
        """Take the sound among the favourites, or out of them."""
        sound = self.table.sound
        if sound is None:
            return
        wanted = not sound.is_favourite

        def _marked(_: Any) -> None:
            sound.is_favourite = wanted
            self.table.refresh()
            self.say("a favourite now" if wanted else "no favourite any more")

        question = lambda: _mark(sound.file_id, wanted)  # noqa: E731 -- one line
        self.ask(f"mark {sound.file_id}", question, _marked, is_shown=False)


def _path_of(sound: Sound, settings: Settings) -> Any:
    from samplemind_cli import library  # noqa: PLC0415 -- slow import

    return library.path_on_disk(sound.file_id, sound.path, settings)


def _mark(file_id: str, favourite: bool) -> None:  # noqa: FBT001 -- the one value that is set
    from samplemind_worker.finding import marks  # noqa: PLC0415 -- slow import

    marks.change([file_id], user_id=filter_options.OWNER, favourite=favourite)
