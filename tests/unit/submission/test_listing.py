import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from samplemind_worker.errors import UsageError
from samplemind_worker.submission.listing import Listing


def touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(listing: Listing) -> list[str]:
    return [Path(os.fsdecode(found.path)).name for _, found in listing]


def covers_before_a_kick(top: Path, covers: int) -> Path:
    for number in range(covers):
        touch(top / "art" / f"cover {number}.jpg")
    touch(top / "kit" / "kick.wav")
    touch(top / "kit" / "snare.wav")
    return top


def test_survey_counts_audio_bytes_and_reasons(tmp_path: Path):
    touch(tmp_path / "a.wav", b"123")
    touch(tmp_path / "kit" / "b.flac", b"12345")
    touch(tmp_path / "cover.jpg")
    touch(tmp_path / "notes.txt")
    touch(tmp_path / "._a.wav")

    total = Listing([tmp_path]).survey()

    assert (total.audio, total.bytes) == (2, 8)
    assert total.skipped == {"not_audio_type": 2, "hidden": 1}


def test_survey_counts_a_file_once_that_lies_below_two_paths(tmp_path: Path):
    kick = touch(tmp_path / "kit" / "kick.wav", b"123")

    total = Listing([kick, tmp_path, tmp_path / "kit"]).survey()

    assert (total.audio, total.bytes) == (1, 3)


def test_survey_of_an_empty_folder_says_so(tmp_path: Path):
    with pytest.raises(UsageError, match=rf"no audio files in {tmp_path} \(it is empty\)"):
        Listing([tmp_path]).survey()


def test_survey_without_audio_says_how_much_else_there_is(tmp_path: Path):
    touch(tmp_path / "cover.jpg")

    with pytest.raises(UsageError, match=rf"no audio files in {tmp_path} \(1 other file\)"):
        Listing([tmp_path]).survey()


@pytest.mark.parametrize("look", [Listing.survey, Listing.require_audio])
def test_a_library_that_is_all_links_is_told_so(tmp_path: Path, look: Callable[[Listing], object]):
    touch(tmp_path / "elsewhere" / "kick.wav")
    library = tmp_path / "library"
    library.mkdir()
    (library / "kicks").symlink_to("../elsewhere")
    (library / "more kicks").symlink_to("../elsewhere")
    (library / "kick.wav").symlink_to("../elsewhere/kick.wav")
    touch(library / "cover.jpg")
    touch(library / ".trash" / "a.wav")

    with pytest.raises(UsageError) as caught:
        look(Listing([library]))

    assert str(caught.value) == (
        f"no audio files in {library} (2 links to folders, 1 link that leads out of it, 1 hidden folder, 1 other file)"
        "; links are not followed: name the folders that they lead to"
    )


def test_a_missing_path_beside_a_good_one_is_told_before_any_walk(tmp_path: Path):
    touch(tmp_path / "kick.wav")

    with pytest.raises(UsageError, match=f"no such file or folder: {tmp_path}/gone"):
        Listing([tmp_path, tmp_path / "gone"])


def test_the_walk_that_looked_for_audio_is_continued(tmp_path: Path):
    listing = Listing([covers_before_a_kick(tmp_path, 3)])
    listing.require_audio()
    listing.require_audio()
    shutil.rmtree(tmp_path / "art")  # a second walk would miss it

    assert names(listing) == ["cover 0.jpg", "cover 1.jpg", "cover 2.jpg", "kick.wav", "snare.wav"]
    assert names(listing) == ["kick.wav", "snare.wav"]


@pytest.mark.parametrize("most_kept", [0, 1, 2, 3, 4])
def test_a_walk_that_passes_more_than_is_kept_lists_all_the_same(tmp_path: Path, most_kept: int):
    listing = Listing([covers_before_a_kick(tmp_path, 3)], most_kept=most_kept)
    listing.require_audio()

    assert names(listing) == ["cover 0.jpg", "cover 1.jpg", "cover 2.jpg", "kick.wav", "snare.wav"]
