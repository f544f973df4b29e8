from pathlib import Path

from config.scratch import scratch_folder
from config.settings import Settings


def folder_for(url: str, **more: object) -> Path:
    return scratch_folder(Settings(_env_file=None, mongodb_url=url, **more))


def test_folders_of_two_records_differ():
    assert folder_for("mongodb://a shop") == folder_for("mongodb://a shop")
    assert folder_for("mongodb://a shop") != folder_for("mongodb://a laptop")
    assert folder_for("mongodb://a shop") != folder_for("mongodb://a shop", database="other")


def test_a_folder_that_is_set_is_not_swept_itself(tmp_path: Path):
    assert folder_for("mongodb://a shop", scratch=tmp_path).parent == tmp_path
