"""What is unpacked of a stranger's archive, and what is refused; nothing is written outside, and nothing stays."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from config.settings import Settings
from samplemind_worker.errors import PackRefusedError
from samplemind_worker.packs import archive, ingest, staging
from tests import zips

LIMITS = ingest.limits(Settings(_env_file=None))


def unpack(path: Path, library: Path, limits: archive.Limits = LIMITS) -> dict[str, int]:
    """Unpack as `ingest` does; what was left out."""
    library.mkdir(exist_ok=True)
    budget = staging.Budget(limits.bytes, 0)
    with staging.opened(library, "vendor", make=True) as parent:
        try:
            with (
                path.open("rb") as file,
                archive.opened(file, limits) as opened,
                staging.Staging(parent, ".draft", budget) as stage,
            ):
                for entry in opened.entries:
                    stage.write(entry.parts, opened.read(entry))
                stage.place("pack")
                return dict(opened.left_out)
        except BaseException:
            staging.remove(parent, ".draft")
            raise


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_good_pack_is_unpacked_as_it_is(tmp_path: Path):
    path = zips.good(tmp_path / "pack.zip", files=3)

    left_out = unpack(path, tmp_path / "library")

    pack = tmp_path / "library" / "vendor" / "pack"
    assert everything(pack) == {"Kicks", *(f"Kicks/kick {number}.wav" for number in range(3))}
    assert (pack / "Kicks" / "kick 1.wav").read_bytes() == zips.wav(1)
    assert left_out == {"not_audio_type": 2}
    assert (pack / "Kicks" / "kick 1.wav").stat().st_mode & 0o111 == 0


def test_what_is_hidden_or_nested_is_left_out(tmp_path: Path):
    names = ("a.wav", ".hidden.wav", "__MACOSX/._a.wav", ".git/b.wav", "inner.zip", "run.sh")
    path = zips.write_zip(tmp_path / "pack.zip", {name: zips.wav() for name in names})

    left_out = unpack(path, tmp_path / "library")

    assert everything(tmp_path / "library" / "vendor" / "pack") == {"a.wav"}
    assert left_out == {"hidden": 3, "not_audio_type": 2}


def test_folders_of_their_own_and_backslashes_are_folders(tmp_path: Path):
    path = zips.write_zip(
        tmp_path / "pack.zip", {"./": b"", "Kicks/": b"", "Kicks\\a.wav": b"a", "./Snares/b.wav": b"b"}
    )

    unpack(path, tmp_path / "library")

    assert everything(tmp_path / "library" / "vendor" / "pack") == {"Kicks", "Kicks/a.wav", "Snares", "Snares/b.wav"}


def test_names_in_utf8_that_do_not_say_so_are_read(tmp_path: Path):
    path = tmp_path / "pack.zip"
    name = "Caf\u00e9.wav".encode()
    path.write_bytes(zips.directory([name]))

    unpack(path, tmp_path / "library")

    assert everything(tmp_path / "library" / "vendor" / "pack") == {"Caf\u00e9.wav"}


def test_an_archive_of_the_long_form_is_read(tmp_path: Path):
    names = [b"%06d.txt" % number for number in range(70_000)]
    path = tmp_path / "pack.zip"
    path.write_bytes(zips.directory([b"a.wav", *names]))
    limits = archive.Limits(entries=100_000, bytes=1000, ratio=10, depth=3, name_bytes=100)

    left_out = unpack(path, tmp_path / "library", limits)

    assert left_out == {"not_audio_type": 70_000}
    assert everything(tmp_path / "library" / "vendor" / "pack") == {"a.wav"}


def test_an_archive_with_a_comment_is_read(tmp_path: Path):
    path = zips.good(tmp_path / "pack.zip")
    with zipfile.ZipFile(path, "a") as opened:
        opened.comment = b"made with love"

    assert unpack(path, tmp_path / "library") == {"not_audio_type": 2}


@pytest.mark.parametrize("kind", zips.HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(kind: str, tmp_path: Path):
    make, said = zips.HOSTILE[kind]
    path = make(tmp_path / "inbox" / "pack.zip")

    with pytest.raises(PackRefusedError) as refusal:
        unpack(path, tmp_path / "library")

    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "\x1b" not in str(refusal.value)
    assert everything(tmp_path) == {"inbox", "inbox/pack.zip", "library", "library/vendor"}


def test_a_pack_of_more_bytes_than_allowed_is_refused(tmp_path: Path):
    path = zips.good(tmp_path / "pack.zip")
    limits = archive.Limits(entries=10, bytes=10_000, ratio=10, depth=3, name_bytes=100)

    with pytest.raises(PackRefusedError, match="SAMPLEMIND_PACK_MAX_BYTES"):
        unpack(path, tmp_path / "library", limits)


def test_entries_are_counted_and_the_end_is_not_believed(tmp_path: Path):
    path = tmp_path / "pack.zip"
    path.write_bytes(zips.directory([b"%d.wav" % number for number in range(5)], count=2))
    limits = archive.Limits(entries=3, bytes=1000, ratio=10, depth=3, name_bytes=100)

    with pytest.raises(PackRefusedError, match="more than 3 entries"):
        unpack(path, tmp_path / "library", limits)


def test_extra_fields_that_take_long_to_read_are_refused(tmp_path: Path):
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w") as opened:
        info = zipfile.ZipInfo("a.wav")
        info.extra = b"\x99\x99\0\0" * 10_000
        opened.writestr(info, zips.wav())

    with pytest.raises(PackRefusedError, match="extra field is too long"):
        unpack(path, tmp_path / "library")


def test_no_more_is_unpacked_than_the_directory_says(tmp_path: Path):
    path = zips.lying(tmp_path / "pack.zip", checked=1000)

    unpack(path, tmp_path / "library")

    assert (tmp_path / "library" / "vendor" / "pack" / "a.wav").read_bytes() == bytes(1000)


def test_entries_that_lie_about_their_place_are_refused(tmp_path: Path):
    path = zips.good(tmp_path / "pack.zip")
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02") + 42
    data[at : at + 4] = (5).to_bytes(4, "little")
    path.write_bytes(data)

    with zipfile.ZipFile(path) as opened:
        assert len(opened.infolist()) == 4  # the directory itself can be read
    data = bytearray(zips.write_zip(path, {"a.wav": zips.wav()}).read_bytes())
    at = data.rfind(b"PK\x01\x02") + 42
    data[at : at + 4] = (5).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(PackRefusedError, match="cannot be unpacked"):
        unpack(path, tmp_path / "library")


_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from config.settings import Settings
from samplemind_worker.errors import PackRefusedError
from samplemind_worker.packs import archive
limits = archive.Limits(entries=50_000, bytes=2**35, ratio=200, depth=16, name_bytes=255)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as file:
    try:
        with archive.opened(file, limits):
            print("taken")
    except PackRefusedError as error:
        print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("count", [None, 3])
def test_a_million_entries_are_refused_before_a_list_is_made_of_them(count: int | None, tmp_path: Path):
    path = zips.million_entries(tmp_path / "pack.zip", count=count)

    done = subprocess.run(
        [sys.executable, "-c", _IN_LITTLE_MEMORY, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )

    said, kilobytes = done.stdout.splitlines()
    assert said.endswith(" 50,000 entries (SAMPLEMIND_PACK_MAX_ENTRIES)")
    # A list of a million entries takes more than 600 MB.
    assert int(kilobytes) < 128_000


def test_as_many_entries_as_allowed_fit_into_memory(tmp_path: Path):
    path = tmp_path / "pack.zip"
    path.write_bytes(zips.directory([b"a" * 200 + b"%06d.wav" % number for number in range(50_000)]))

    done = subprocess.run(
        [sys.executable, "-c", _IN_LITTLE_MEMORY, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )

    said, kilobytes = done.stdout.splitlines()
    assert said == "taken"
    assert int(kilobytes) < 160_000
