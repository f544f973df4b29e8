import os
import stat
import subprocess
import sys
from io import BufferedRandom, BufferedReader
from pathlib import Path

import pytest

from samplemind_worker.errors import NotWrittenError, SetupError, UsageError
from samplemind_worker.interchange import journal, undo
from samplemind_worker.interchange.files import content_of

_OLD = bytes(range(256)) * 40
_NEW = b"a new beginning" + _OLD + b"a new end"


def write(_: BufferedReader, draft: BufferedRandom) -> None:
    draft.write(_NEW)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "library" / "kick.wav"
    path.parent.mkdir()
    path.write_bytes(_OLD)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_replaced_file_keeps_mode_times_and_attributes_and_comes_back(home: Path, file: Path):
    file.chmod(0o640)
    os.utime(file, ns=(1_111_111_111_111_111_111, 1_222_222_222_222_222_222))
    has_attributes = True
    try:
        os.setxattr(file, "user.color", b"red")
    except OSError:  # this file system has none
        has_attributes = False
    with journal.begin(home, command="tag") as run:
        change = run.replace(file, write)
    assert change is not None
    kept = (0o640, 1_222_222_222_222_222_222, b"red" if has_attributes else None)
    assert (file.read_bytes(), attributes(file, has_attributes)) == (_NEW, kept)
    undone = undo.undo(home, run.id, commands=["tag"])
    assert undone.left == []
    assert (file.read_bytes(), attributes(file, has_attributes)) == (_OLD, kept)
    assert tree(file.parent) == {"kick.wav": _OLD}


def attributes(file: Path, has_attributes: bool) -> tuple[int, int, bytes | None]:  # noqa: FBT001 -- a helper of one test
    status = file.stat()
    return stat.S_IMODE(status.st_mode), status.st_mtime_ns, os.getxattr(file, "user.color") if has_attributes else None


def test_the_journal_holds_little_more_than_what_differs(home: Path, file: Path):
    file.write_bytes(os.urandom(300_000))
    old = file.read_bytes()
    with journal.begin(home, command="tag") as run:
        run.replace(file, lambda source, draft: draft.write(b"ID3 header" + source.read() + b"x" * 200) and None)
    assert sum(path.stat().st_size for path in run.folder.iterdir()) < 2000
    undo.undo(home, "last", commands=["tag"])
    assert file.read_bytes() == old


def test_a_run_that_changes_nothing_leaves_nothing(home: Path, file: Path):
    with journal.begin(home, command="tag") as run:
        assert run.replace(file, lambda _, draft: draft.write(_OLD) and None) is None
    assert undo.runs(home, commands=["tag"]) == []
    assert tree(file.parent) == {"kick.wav": _OLD}
    with pytest.raises(UsageError, match="no run that can be undone has the id"):
        undo.undo(home, run.id, commands=["tag"])


def test_a_file_changed_after_the_run_is_left(home: Path, file: Path):
    other = file.with_name("snare.wav")
    other.write_bytes(_OLD)
    with journal.begin(home, command="tag") as run:
        run.replace(file, write)
        run.replace(other, write)
    file.write_bytes(b"somebody else's work")
    undone = undo.undo(home, run.id[:8], commands=["tag"])
    assert undone.left == [(str(file), "it has changed since")]
    assert (file.read_bytes(), other.read_bytes()) == (b"somebody else's work", _OLD)
    # It can be tried again once the file is back.
    file.write_bytes(_NEW)
    assert undo.undo(home, run.id, commands=["tag"]).left == []
    assert file.read_bytes() == _OLD
    assert undo.runs(home, commands=["tag"]) == []


def test_what_may_not_be_replaced_is_left_with_a_reason(home: Path, file: Path):
    def changes_it(source: BufferedReader, draft: BufferedRandom) -> None:
        write(source, draft)
        file.write_bytes(b"changed meanwhile")

    def fails(_: BufferedReader, draft: BufferedRandom) -> None:
        draft.write(b"half")
        raise NotWrittenError("it is odd")

    with journal.begin(home, command="tag") as run:
        with pytest.raises(NotWrittenError, match="it has changed since it was analysed"):
            run.replace(file, write, sha256="0" * 64)
        with pytest.raises(NotWrittenError, match="it is odd"):
            run.replace(file, fails)
        file.chmod(0o444)
        with pytest.raises(NotWrittenError, match="read-only"):
            run.replace(file, write)
        file.chmod(0o644)
        twin = file.with_name("twin.wav")
        os.link(file, twin)
        with pytest.raises(NotWrittenError, match="2 names"):
            run.replace(file, write)
        twin.unlink()
        with pytest.raises(NotWrittenError, match="not there any more"):
            run.replace(twin, write)
        with pytest.raises(NotWrittenError, match="the name would be too long"):
            run.create(file.with_name("n" * 256), lambda draft: draft.write(b"x"))
        with pytest.raises(NotWrittenError, match="not a regular file"):
            run.replace(file.parent, write)
        assert tree(file.parent) == {"kick.wav": _OLD}
        with pytest.raises(NotWrittenError, match="changed meanwhile"):
            run.replace(file, changes_it)
    assert tree(file.parent) == {"kick.wav": b"changed meanwhile"}
    assert undo.runs(home, commands=["tag"]) == []


def test_a_link_stays_a_link(home: Path, file: Path, tmp_path: Path):
    link = tmp_path / "link.wav"
    link.symlink_to(file)
    with journal.begin(home, command="tag") as run:
        run.replace(link, write)
    assert link.is_symlink()
    assert file.read_bytes() == _NEW


def test_files_folders_links_and_moves_are_taken_back(home: Path, file: Path, tmp_path: Path):
    out = tmp_path / "out"
    with journal.begin(home, command="organize") as run:
        run.create(out / "a" / "new.txt", lambda draft: draft.write(b"text") and None)
        run.link(file, out / "b" / "soft.wav")
        run.link(file, out / "b" / "hard.wav", hard=True)
        run.move(file, out / "c" / "moved.wav")
        for make in (run.move, run.link):
            with pytest.raises(NotWrittenError, match="a file of that name"):
                make(out / "c" / "moved.wav", out / "a" / "new.txt")
        with pytest.raises(NotWrittenError, match="a file of that name"):
            run.create(out / "a" / "new.txt", lambda draft: draft.write(b"other") and None)
    assert {*tree(out)} == {"a/new.txt", "b/hard.wav", "c/moved.wav"}
    (out / "b" / "the user's.txt").write_bytes(b"stays")
    assert undo.undo(home, run.id, commands=["organize"]).left == []
    assert tree(tmp_path) == {
        "library/kick.wav": _OLD,
        "out/b/the user's.txt": b"stays",
        **{f"home/{name}": data for name, data in tree(home).items()},
    }


def test_a_move_that_was_killed_between_its_names_is_taken_back(home: Path, file: Path, tmp_path: Path):
    target = tmp_path / "moved.wav"
    with journal.begin(home, command="organize") as run:
        run.move(file, target)
    os.link(target, file)  # as if the last step had not been made
    assert undo.undo(home, run.id, commands=["organize"]).left == []
    assert (file.read_bytes(), target.exists()) == (_OLD, False)


def test_one_run_at_a_time(home: Path):
    with (
        journal.begin(home, command="tag"),
        pytest.raises(UsageError, match="another run changes files now"),
        journal.begin(home, command="tag"),
    ):
        pass


_KILLED = """
import os, signal, sys
from pathlib import Path
from samplemind_worker.interchange import files, journal
moment, home, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
def write(source, draft):
    draft.write(b"a new beginning" + source.read())
    draft.flush()
    if moment == "draft" and files_done:
        os.kill(os.getpid(), signal.SIGKILL)
files_done = []
with journal.begin(home, command="tag") as run:
    replace = Path.replace
    def killed(path, target):
        if moment == "before" and files_done:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(path, target)
        if moment == "after" and files_done:
            os.kill(os.getpid(), signal.SIGKILL)
    Path.replace = killed
    for path in sorted(folder.iterdir()):
        run.replace(path, write)
        files_done.append(path)
"""


@pytest.mark.parametrize("moment", ["draft", "before", "after"])
def test_a_killed_run_leaves_whole_files_and_can_be_taken_back(home: Path, file: Path, moment: str):
    file.with_name("snare.wav").write_bytes(_OLD)
    before = tree(file.parent)
    killed = subprocess.run([sys.executable, "-c", _KILLED, moment, home, file.parent], check=False)
    assert killed.returncode == -9
    assert {*tree(file.parent).values()} >= {b"a new beginning" + _OLD}
    assert set(tree(file.parent)) - {"kick.wav", "snare.wav"} == (
        {name for name in tree(file.parent) if name.startswith(".samplemind-")}
    )
    with journal.begin(home, command="tag"):  # the next run removes the draft
        assert {*tree(file.parent)} == {"kick.wav", "snare.wav"}
    made = sum(content != _OLD for content in tree(file.parent).values())
    assert [past.changes for past in undo.runs(home)] == [made]
    undone = undo.undo(home, "last", commands=["tag"])
    assert (len(undone.taken_back), undone.before, undone.left) == (made, [], [])
    assert tree(file.parent) == before


@pytest.mark.parametrize("is_made", [False, True])
def test_a_change_that_was_interrupted_counts_if_it_was_made(home: Path, file: Path, is_made: bool):  # noqa: FBT001 -- a parameter of the test
    other = file.with_name("snare.wav")
    other.write_bytes(_OLD)

    def interrupt(run: journal.Run) -> None:
        run.replace(file, write)
        change = run.replace(other, write)
        assert change is not None
        other.write_bytes(_OLD)
        with run.changing(change):
            if is_made:
                other.write_bytes(_NEW)
            raise KeyboardInterrupt

    def interrupted_run() -> None:
        with journal.begin(home, command="tag") as run:
            interrupt(run)

    with pytest.raises(KeyboardInterrupt):
        interrupted_run()
    undone = undo.undo(home, "last", commands=["tag"])
    assert [change.path for change in undone.taken_back] == [str(other), str(file)][not is_made :]
    assert undone.left == []
    assert (file.read_bytes(), other.read_bytes()) == (_OLD, _OLD)


def test_undoing_again_says_what_was_taken_back_before(home: Path, file: Path):
    other = file.with_name("snare.wav")
    other.write_bytes(_OLD)
    with journal.begin(home, command="tag") as run:
        run.replace(file, write)
        run.replace(other, write)
    file.write_bytes(b"somebody else's work")
    first = undo.undo(home, "last", commands=["tag"])
    assert ([change.path for change in first.taken_back], first.before) == ([str(other)], [])
    (run.folder / "running").touch()  # as if it had been killed
    again = undo.undo(home, "last", commands=["tag"])
    assert ([change.path for change in again.before], again.taken_back) == ([str(other)], [])
    assert [path for path, _ in again.left] == [str(file)]


def test_a_full_disk_ends_the_run_and_leaves_files_whole(home: Path, file: Path):
    def runs_full(_: BufferedReader, draft: BufferedRandom) -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:  # the error of the system itself
            full.write(b"x")
        draft.write(b"")

    with journal.begin(home, command="tag") as run, pytest.raises(SetupError, match="No space left"):
        run.replace(file, runs_full)
    assert tree(file.parent) == {"kick.wav": _OLD}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_left_with_a_reason(home: Path, file: Path):
    file.parent.chmod(0o555)
    try:
        with (
            journal.begin(home, command="tag") as run,
            pytest.raises(NotWrittenError, match=r"cannot be written \(Permission denied\)"),
        ):
            run.replace(file, write)
    finally:
        file.parent.chmod(0o755)
    assert tree(file.parent) == {"kick.wav": _OLD}


def test_names_that_are_no_utf8_survive_the_journal(home: Path, file: Path):
    odd = Path(os.fsdecode(os.fsencode(file.parent) + b"/\xff\xfe.wav"))
    try:
        odd.write_bytes(_OLD)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    with journal.begin(home, command="tag") as run:
        run.replace(odd, write)
    assert content_of(odd).size == len(_NEW)
    undo.undo(home, run.id, commands=["tag"])
    assert odd.read_bytes() == _OLD
