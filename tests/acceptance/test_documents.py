"""The documents that teach are followed to the letter, and what they show and promise comes true."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutagen.wave import WAVE

from config.settings import Settings
from samplemind_worker.demo import library, plan
from samplemind_worker.local_services import stop
from tests.acceptance.conftest import SAMPLEMIND
from tests.documents import Shell, blocks, command_lines
from tests.hostile.guarded import free_port

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    str(path.relative_to(DOCS))
    for folder in ("how-to", "explanations")
    for path in (DOCS / folder).glob("*.md")
    if any(not block.not_run for block in blocks(path))
)
GO_ON = ("samplemind browse", "samplemind web", "samplemind demo")
"""Commands that wait for keys, or serve until they are stopped; each has tests of its own."""
HOME = "/home/ada"
"""The home of the reader whose screens the documents show."""


class Reader:
    """Somebody with an empty home, who follows documents."""

    def __init__(self) -> None:
        # Tables break lines by the length of paths, so this home has a name as long as that of the documents.
        while True:
            self.home = Path(f"/tmp/{secrets.token_hex(2)}")  # noqa: S108 -- made here, and refused if it is there
            try:
                self.home.mkdir(mode=0o700)
                break
            except FileExistsError:
                continue
        assert len(str(self.home)) == len(HOME)
        page, exporter = str(free_port()), str(free_port())
        (self.home / "samplemind").symlink_to(ROOT)
        self._data = self.home / ".local" / "share" / "samplemind"
        ours = ("SAMPLEMIND_", "XDG_", "GEMINI_", "ANTHROPIC_", "OPENAI_", "OLLAMA_", "SSH_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        for name in ("COLUMNS", "LINES", "DISPLAY", "WAYLAND_DISPLAY"):
            kept.pop(name, None)
        self.environment = {
            **kept,
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "SAMPLEMIND_ENV_FILE": os.devnull,
            "SAMPLEMIND_DISPATCH_SECONDS": "1",
            "SAMPLEMIND_LEASE_SECONDS": "10",
            "SAMPLEMIND_WEB_PORT": page,
            "BROWSER": "true",
        }
        self._names = {HOME: str(self.home), "8765": page, "9645": exporter}

    def follow(self, document: Path) -> None:
        """Run the commands of a document, and compare what it shows."""
        shell = Shell(self.home, self.environment, names=self._names)
        try:
            for block in blocks(document):
                if not block.not_run:
                    screen = shell.run(block)
                    assert block.key or block.is_seen(screen), f"{block.place}\n{block.shown}\nthe screen:\n{screen}"
        finally:
            shell.close()

    def files(self, folder: str) -> dict[str, bytes]:
        """Return the content of each file of a folder in the home, by its path in it."""
        root = self.home / folder
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def leave(self) -> None:
        """Stop what was started, and take the home away."""
        stop(Settings(home=self._data, _env_file=None))  # pyright: ignore[reportCallIssue] -- of BaseSettings
        shutil.rmtree(self.home)


@pytest.fixture
def operator() -> Iterator[Reader]:
    """A reader who has followed nothing yet."""
    reader = Reader()
    try:
        yield reader
    finally:
        reader.leave()


@pytest.fixture(scope="module")
def producer() -> Iterator[Reader]:
    """A reader who has followed the producers' tutorial."""
    reader = Reader()
    try:
        reader.follow(DOCS / "tutorials" / "producers.md")
        # It ends with `samplemind down`, and no page shows how services are started.
        subprocess.run([SAMPLEMIND, "up", "--detach"], env=reader.environment, check=True)
        yield reader
    finally:
        reader.leave()


def test_the_producers_tutorial_ends_with_a_kit_and_tagged_copies(producer: Reader, tmp_path: Path) -> None:
    kit, tagged, samples = (producer.home / name for name in ("first-kit", "Tagged", "Samples"))
    written = (kit / "first.sfz").read_text()
    sounds = re.findall(r"sample=(\S+)", written)
    assert len(sounds) == 12
    assert "key=36" in written
    assert all((kit / sound).stat().st_size > 0 for sound in sounds)
    assert WAVE(tagged / "beat_01.wav")["TBPM"].text == ["120"]
    # The samples are what they were before they were looked at.
    library.write(tmp_path / "again", plan.items())
    assert {path.relative_to(samples): path.read_bytes() for path in samples.rglob("*.wav")} == {
        path.relative_to(tmp_path / "again"): path.read_bytes() for path in (tmp_path / "again").rglob("*.wav")
    }


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says_and_leaves_the_samples_as_they_were(producer: Reader, page: str) -> None:
    before = producer.files("Samples")
    producer.follow(DOCS / page)
    assert producer.files("Samples") == before


def test_the_operators_tutorial_ends_with_a_backup_and_users(operator: Reader) -> None:
    operator.follow(DOCS / "tutorials" / "operators.md")
    assert (operator.home / "backup-monday").is_dir()
    assert any(path.suffix == ".wav" for path in (operator.home / "Packs" / "vendor").rglob("*"))


@pytest.fixture
def library_of_the_readme(operator: Reader) -> Reader:
    """A reader who has what the command lines of the README name."""
    home = operator.home
    library.write(home / "demo-library", plan.items())
    loops, old = home / "loops", home / "old"
    for folder in (loops, home / "Samples" / "old-pack", old / "lib", home / "Kicks", home / "Backups"):
        folder.mkdir(parents=True)
    first, second = sorted((home / "demo-library" / "drum_loops").glob("*.wav"))[:2]
    shutil.copy(first, loops / "funk.wav")
    shutil.copy(second, loops / "break.wav")
    shutil.copy(next((home / "demo-library" / "drums").glob("*.wav")), home / "Samples" / "old-pack" / "hit.wav")
    shutil.copy(first, old / "lib" / "beat.wav")
    shutil.copy(loops / "break.wav", home / "song.wav")
    run(operator, f"samplemind submit demo-library Samples loops {old}/lib --wait")
    (home / "new").mkdir()
    (old / "lib").rename(home / "new" / "lib")
    return operator


def run(reader: Reader, line: str) -> subprocess.CompletedProcess[str]:
    """Run one command line as the reader does, in their home, without a terminal."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=reader.home,
        env=reader.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_every_command_line_of_the_readme_works(library_of_the_readme: Reader):
    reader = library_of_the_readme
    failed: list[str] = []
    lines = [line for line in command_lines(ROOT / "README.md") if not line.startswith(GO_ON)]
    assert len(lines) > 30
    for line in lines:
        done = run(
            reader, line.replace("/old/lib", f"{reader.home}/old/lib").replace("/new/lib", f"{reader.home}/new/lib")
        )
        # Nobody has set up a model here.
        needs_a_model = line.startswith("samplemind summarize") and "no provider is set up" in done.stderr
        if done.returncode != (2 if needs_a_model else 0):
            failed.append(f"{line}\n{done.returncode}: {done.stdout[-300:]}{done.stderr}")
    assert failed == []
    assert sorted(path.name for path in reader.home.glob("library.*")) == [
        "library.csv",
        "library.parquet",
    ]
