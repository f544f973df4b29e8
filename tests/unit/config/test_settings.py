import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import Settings


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    """Settings of an environment that holds these variables of ours, and no others."""
    for name in [name for name in os.environ if name.startswith("SAMPLEMIND_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(f"SAMPLEMIND_{name}", value)
    return Settings(_env_file=None)


def test_settings_without_an_environment_name_no_service(monkeypatch: pytest.MonkeyPatch):
    settings = read(monkeypatch)

    assert (settings.redis_url, settings.mongodb_url, settings.chroma_url) == (None, None, None)
    assert settings.roots == {}
    assert settings.scratch is None


@pytest.mark.parametrize("name", ["redis_url", "mongodb_url", "chroma_url"])
def test_settings_print_no_password_of_a_url(name: str, monkeypatch: pytest.MonkeyPatch):
    settings = read(monkeypatch, **{name.upper(): "https://me:hush@h:1"})

    assert getattr(settings, name).get_secret_value() == "https://me:hush@h:1"
    assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_settings_read_numbers_and_paths_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    settings = read(monkeypatch, LEASE_SECONDS="7.5", FILES_PER_CHAIN="3", SCRATCH="/mnt/ram", LOG_JSON="true")

    assert settings.lease_seconds == 7.5
    assert settings.files_per_chain == 3
    assert settings.scratch == Path("/mnt/ram")
    assert settings.log_json is True


def test_settings_treat_an_empty_variable_as_unset(monkeypatch: pytest.MonkeyPatch):
    settings = read(monkeypatch, REDIS_URL="", CONCURRENCY="", ROOTS="")

    assert settings.redis_url is None
    assert settings.concurrency == len(os.sched_getaffinity(0))
    assert settings.roots == {}


def test_settings_know_where_packs_come_from_and_go(monkeypatch: pytest.MonkeyPatch):
    settings = read(monkeypatch, HOME="/srv/samplemind")
    given = read(monkeypatch, HOME="/srv/samplemind", INBOX="~/packs", LIBRARY_ROOT="/mnt/library")

    assert (settings.inbox_folder, settings.library_folder) == (
        Path("/srv/samplemind/inbox"),
        Path("/srv/samplemind/library"),
    )
    assert (given.inbox_folder, given.library_folder) == (Path("~/packs").expanduser(), Path("/mnt/library"))


@pytest.mark.parametrize("time", ["24:00", "3:30", "03:60", "noon"])
def test_settings_refuse_a_night_that_is_no_time(time: str, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValidationError, match="nightly"):
        read(monkeypatch, NIGHTLY=time)


def test_settings_read_an_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SAMPLEMIND_DATABASE", raising=False)
    (tmp_path / ".env").write_text("SAMPLEMIND_DATABASE=shop\nUNRELATED=1\n")

    assert Settings(_env_file=tmp_path / ".env").database == "shop"


def test_settings_hide_secrets(monkeypatch: pytest.MonkeyPatch):
    settings = read(monkeypatch, REDIS_URL="redis://:hunter2@host/0", FLOWER_PASSWORD="hunter2")  # noqa: S106 -- the secret that must not show

    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://:hunter2@host/0"
    assert "hunter2" not in repr(settings)


def test_secrets_are_read_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "samplemind_redis_url").write_text("redis://:hunter2@host/0\n")
    (tmp_path / "samplemind_flower_password").write_text("hunter2")

    settings = read(monkeypatch, SECRETS_DIR=str(tmp_path), FLOWER_PASSWORD="other")  # noqa: S106 -- no secret

    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://:hunter2@host/0"
    assert settings.flower_password is not None
    assert settings.flower_password.get_secret_value() == "other"


def test_a_folder_of_secrets_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with pytest.raises(ValidationError, match="no such folder"):
        read(monkeypatch, SECRETS_DIR=str(tmp_path / "none"))


def test_what_is_refused_is_not_repeated(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValidationError) as refused:
        read(monkeypatch, FLOWER_PORT="hunter2")

    assert "hunter2" not in str(refused.value)


def test_settings_read_keys_under_the_names_that_everybody_uses(monkeypatch: pytest.MonkeyPatch):
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, f"hunter2-{name}")
    monkeypatch.setenv("OLLAMA_HOST", "http://gpu:11434")

    settings = read(monkeypatch, AI_HEADERS='{"claude": {"X-Gateway": "hunter2"}}')

    assert settings.anthropic_api_key is not None
    assert settings.anthropic_api_key.get_secret_value() == "hunter2-ANTHROPIC_API_KEY"
    assert settings.gemini_api_key is not None
    assert settings.openai_api_key is not None
    assert settings.ollama_host == "http://gpu:11434"
    assert settings.ai_headers["claude"]["X-Gateway"].get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)


def test_settings_refuse_a_provider_that_there_is_not(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValidationError, match="ai_urls"):
        read(monkeypatch, AI_URLS='{"oracle": "http://h"}')


def test_settings_are_frozen(monkeypatch: pytest.MonkeyPatch):
    settings = read(monkeypatch)

    with pytest.raises(ValidationError, match="Instance is frozen"):
        settings.database = "other"


def test_settings_make_home_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")

    assert read(monkeypatch, HOME="state").home == tmp_path / "state"
    assert read(monkeypatch, HOME="~/state").home == Path("/home/someone/state")


def test_roots_are_names_and_paths(monkeypatch: pytest.MonkeyPatch):
    settings = read(monkeypatch, ROOTS="kits=/srv/kits:packs=/mnt/a=b:")

    assert settings.roots == {"kits": Path("/srv/kits"), "packs": Path("/mnt/a=b")}


@pytest.mark.parametrize("value", ["/srv/kits", "kits=", "=/srv/kits", "a=/a:b"])
def test_roots_that_are_no_pairs_are_refused(monkeypatch: pytest.MonkeyPatch, value: str):
    with pytest.raises(ValidationError, match="roots\n  Value error, wanted name=path"):
        read(monkeypatch, ROOTS=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONCURRENCY", "0"),
        ("CONCURRENCY", "many"),
        ("FILES_PER_CHAIN", "1001"),
        ("PARCEL_SECONDS", "0"),
        ("LEASE_SECONDS", "0.5"),
        ("SCRATCH_BYTES", "-1"),
        ("MAX_STARTS", "0"),
        ("FLOWER_PORT", "65536"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    with pytest.raises(ValidationError) as caught:
        read(monkeypatch, **{name: value})

    assert [error["loc"] for error in caught.value.errors()] == [(name.lower(),)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE", "a.b"),
        ("DATABASE", "a b"),
        ("DATABASE", "x" * 64),
        ("HOST", "a,b"),
        ("HOST", "a b"),
        ("LEASE_SECONDS", "inf"),
        ("REQUEUE_SECONDS", "1e300"),
        ("STEP_SECONDS", "nan"),
        ("PARCEL_SECONDS", "inf"),
        ("MAX_DURATION", "inf"),
    ],
)
def test_settings_refuse_what_a_server_or_a_clock_would(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    with pytest.raises(ValidationError, match=f"1 validation error for Settings\n{name.lower()}"):
        read(monkeypatch, **{name: value})


def test_settings_refuse_a_home_that_is_no_text(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValidationError, match="home\n  Value error, wanted a path in UTF-8"):
        read(monkeypatch, HOME="/srv/\udcff")


def test_an_address_of_a_provider_that_is_none_is_named():
    with pytest.raises(ValidationError, match="the address of gemini does not begin with http:// or https://"):
        Settings(_env_file=None, ai_urls={"gemini": "htp:/x"})
