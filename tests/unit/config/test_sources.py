"""Which files settings are read from, which of them are refused, and what is said of names that mean nothing."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import sources
from config.locations import ObjectPath
from config.settings import Settings, get_settings, unknown_settings

PROJECT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings but those of the test, and a working folder that is not the checkout."""
    for name in [name for name in os.environ if name.startswith("SAMPLEMIND_") or name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", os.devnull)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Write the user's own file."""

    def _write(text: str) -> Path:
        path = tmp_path / "config" / "samplemind" / "samplemind.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    return _write


def refusal() -> str:
    with pytest.raises(sources.SettingsError) as refused:
        get_settings()
    return str(refused.value)


def test_a_file_in_the_working_folder_is_not_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SAMPLEMIND_ENV_FILE")
    before = get_settings()
    get_settings.cache_clear()
    Path(".env").write_text('SAMPLEMIND_AI_URLS={"openai": "http://127.0.0.1:1"}\nSAMPLEMIND_HOME=/stranger\n')
    Path("samplemind.toml").write_text('home = "/stranger"\n')

    assert get_settings() == before


def test_a_fifo_in_the_working_folder_holds_nothing_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SAMPLEMIND_ENV_FILE")
    os.mkfifo(".env")
    reader = threading.Thread(target=get_settings, daemon=True)

    reader.start()
    reader.join(timeout=30)

    assert not reader.is_alive()


def test_an_env_file_that_is_named_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "shop.env").write_text("SAMPLEMIND_DATABASE=shop\nSAMPLEMIND_LOG_LEVEL=ERROR\n")
    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", "../shop.env")
    monkeypatch.setenv("SAMPLEMIND_LOG_LEVEL", "DEBUG")

    settings = get_settings()

    assert (settings.database, settings.log_level) == ("shop", "DEBUG")
    assert settings.env_file == tmp_path / "work" / "../shop.env"


def database_in(checkout: Path) -> subprocess.CompletedProcess[str]:
    """What the code of a checkout reads, run from another folder."""
    environment = {name: value for name, value in os.environ.items() if name != "SAMPLEMIND_ENV_FILE"}
    return subprocess.run(
        [sys.executable, "-P", "-c", "from config.settings import get_settings; print(get_settings().database)"],
        env=environment | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_env_file_of_a_checkout_is_read_beside_its_compose_file(tmp_path: Path):
    checkout = tmp_path / "checkout"
    shutil.copytree(PROJECT / "config", checkout / "config")
    (checkout / ".env").write_text("SAMPLEMIND_DATABASE=shop\n")
    assert database_in(checkout).stdout == "samplemind\n"  # installed without a deployment

    (checkout / "docker-compose.yml").touch()
    assert database_in(checkout).stdout == "shop\n"

    (checkout / ".env").unlink()
    os.mkfifo(checkout / ".env")
    assert database_in(checkout).stderr.splitlines()[-1].endswith(f"{checkout}/.env is not a regular file")


@pytest.mark.parametrize("kind", ["fifo", "folder", "none"])
def test_an_env_file_that_cannot_be_one_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "given"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", str(path))

    missing = f"SAMPLEMIND_ENV_FILE in the environment: {path}: No such file or directory"
    assert refusal() == (missing if kind == "none" else f"{path} is not a regular file")


def test_the_users_file_is_read_last(write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "given.env").write_text("SAMPLEMIND_IO_CONCURRENCY=3\n")
    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", str(tmp_path / "given.env"))
    monkeypatch.setenv("SAMPLEMIND_CONCURRENCY", "2")
    monkeypatch.setenv("SAMPLEMIND_AI_URLS", '{"openai": "http://mine"}')
    write(
        "concurrency = 5\nio_concurrency = 5\nai_concurrency = 5\nlog_level = ''\nANTHROPIC_API_KEY = 'key'\n"
        "roots = {kits = '/srv/kits'}\nai_urls = {claude = 'http://theirs'}\nai_budget_day_usd = 2.5\n"
    )

    settings = get_settings()

    assert (settings.concurrency, settings.io_concurrency, settings.ai_concurrency) == (2, 3, 5)
    assert settings.anthropic_api_key is not None
    assert settings.anthropic_api_key.get_secret_value() == "key"
    assert settings.roots == {"kits": Path("/srv/kits")}
    assert settings.ai_urls == {"openai": "http://mine"}
    assert (str(settings.ai_budget_day_usd), settings.log_level) == ("2.5", "INFO")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_users_file_that_is_open_to_others_is_refused(write: Callable[[str], Path], mode: int):
    path = write("concurrency = 5\n")
    path.chmod(mode)

    assert refusal() == f"{path} is open to other users, and may hold keys: run chmod 600 '{path}'"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_users_file_of_somebody_else_is_refused(write: Callable[[str], Path]):
    path = write("concurrency = 5\n")
    os.chown(path, 65534, 65534)

    assert refusal() == f"{path} belongs to another user"


def test_a_users_file_that_is_a_fifo_is_refused_at_once(write: Callable[[str], Path]):
    path = write("")
    path.unlink()
    os.mkfifo(path, 0o600)

    assert refusal() == f"{path} is not a regular file"


def test_a_users_file_that_is_no_toml_is_refused(write: Callable[[str], Path]):
    path = write("concurrency: 5\n")

    assert refusal().startswith(f"{path} is not valid TOML: ")
    assert "\n" not in refusal()


def test_without_a_home_the_users_file_is_not_looked_for_in_the_working_folder(monkeypatch: pytest.MonkeyPatch):
    place = Path("config/samplemind/samplemind.toml")
    place.parent.mkdir(parents=True)
    place.write_text("concurrency = 5\n")
    place.chmod(0o600)
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")

    assert "concurrency" not in get_settings().model_fields_set


def test_a_refused_value_is_told_with_its_place(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("SAMPLEMIND_NIGHTLY", "3am")
    assert refusal() == "SAMPLEMIND_NIGHTLY in the environment: wanted HH:MM, from 00:00 to 23:59"

    monkeypatch.setenv("SAMPLEMIND_NIGHTLY", "")
    path = tmp_path / "given.env"
    path.write_text("SAMPLEMIND_AI_URLS={bad\nSAMPLEMIND_CONCURRENCY=0\n")
    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", str(path))
    assert refusal() == (
        f"SAMPLEMIND_CONCURRENCY in {path}: input should be greater than or equal to 1; "
        f"SAMPLEMIND_AI_URLS in {path}: wanted a JSON object"
    )

    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", os.devnull)
    (tmp_path / "samplemind_flower_port").write_text("hunter2")
    monkeypatch.setenv("SAMPLEMIND_SECRETS_DIR", str(tmp_path))
    assert refusal().startswith(f"{tmp_path}/samplemind_flower_port: input should be a valid integer")
    assert "hunter2" not in refusal()

    monkeypatch.delenv("SAMPLEMIND_SECRETS_DIR")
    path = write("nightly = '3am'\nai_urls = {oracle = 'http://h'}\n")
    assert refusal() == (
        f"nightly in {path}: wanted HH:MM, from 00:00 to 23:59; ai_urls in {path}: oracle: input should be 'claude', "
        "'gemini', 'ollama', 'openai' or 'local'"
    )


def test_a_relative_path_in_a_file_is_refused(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    path = write("roots = {kits = 'kits'}\n")
    assert refusal() == f"roots in {path}: wanted an absolute path"

    write("home = '~/state'\n")
    get_settings()

    given = tmp_path / "given.env"
    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", str(given))
    given.write_text("SAMPLEMIND_ROOTS=a=s3://sounds/lib:b=/b\nSAMPLEMIND_LIBRARY_ROOT=s3://sounds/lib/new\n")
    get_settings.cache_clear()
    assert get_settings().roots == {"a": ObjectPath("sounds", "lib"), "b": Path("/b")}
    for line in ("SAMPLEMIND_HOME=state", "SAMPLEMIND_ROOTS=a=/a:b=b"):
        get_settings.cache_clear()
        given.write_text(f"{line}\n")
        assert refusal() == f"{line.partition('=')[0]} in {given}: wanted an absolute path"


def test_names_that_mean_nothing_are_told_with_what_was_meant(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    given = tmp_path / "given.env"
    given.write_text("SAMPLEMIND_REDIS_PASSWORD=p\nSAMPLEMIND_LIBRARY=/l\nSAMPLEMIND_NIGTHLY=03:00\nOTHER=1\n")
    path = write("concurency = 5\nANTHROPIC_API_KEY = ''\nsecrets_dir = '/s'\n")
    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", str(given))
    monkeypatch.setenv("SAMPLEMIND_CONCURENCY", "3")
    monkeypatch.setenv("SAMPLEMIND_PROCESS", "cpu")
    monkeypatch.setenv("SAMPLEMIND_VERSION", "1")
    monkeypatch.setenv("SAMPLEMIND_FOO", "1")

    assert list(unknown_settings()) == [
        "SAMPLEMIND_CONCURENCY in the environment is not a setting; did you mean SAMPLEMIND_CONCURRENCY?",
        "SAMPLEMIND_FOO in the environment is not a setting; it is ignored",
        f"SAMPLEMIND_NIGTHLY in {given} is not a setting; did you mean SAMPLEMIND_NIGHTLY?",
        f"concurency in {path} is not a setting; did you mean concurrency?",
        f"secrets_dir in {path} is not a setting; it is ignored",
    ]


def test_paths_are_absolute_as_children_run_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("SCRATCH", "AI_TABLE", "HOME", "INBOX", "LIBRARY_ROOT"):
        monkeypatch.setenv(f"SAMPLEMIND_{name}", "here")
    monkeypatch.setenv("SAMPLEMIND_ROOTS", "kits=here")

    settings = get_settings()

    paths = [settings.scratch, settings.ai_table, settings.home, settings.inbox, settings.library_root]
    assert {*paths, settings.roots["kits"]} == {tmp_path / "work" / "here"}


def test_what_the_compose_file_alone_reads_is_known():
    names = {line[1:].partition("=")[0] for line in (PROJECT / ".env.example").read_text().splitlines()}
    variables = {f"SAMPLEMIND_{field.upper()}" for field in Settings.model_fields}

    assert {name for name in names if name.startswith("SAMPLEMIND_")} - variables == sources.COMPOSE_ONLY
