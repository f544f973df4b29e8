from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from kombu import Connection
from pymongo.uri_parser import parse_uri
from redis.connection import parse_url

from config.settings import Settings, variable
from samplemind_worker.local_services.home import Home, State
from samplemind_worker.local_services.services import (
    Service,
    asks_otherwise,
    given_digest,
    models_digest,
    private_names,
    setting_env,
    with_urls,
    workers,
)


def settings_of(**fields: object) -> Settings:
    unset = ("redis_url", "mongodb_url", "chroma_url", "anthropic_api_key", "gemini_api_key", "openai_api_key")
    return Settings(_env_file=None, **(dict.fromkeys(unset) | {"ollama_host": None} | fields))


def test_private_names_are_those_without_a_url():
    assert private_names(settings_of()) == ["valkey", "mongod", "chroma"]
    assert private_names(settings_of(redis_url="redis://h", chroma_url="http://h")) == ["mongod"]


def test_with_urls_fills_in_what_is_missing():
    settings = settings_of(redis_url="redis://:secret@h/1", database="mine")
    filled = with_urls(settings, State(sockets="/run/me"))

    assert filled.redis_url == settings.redis_url
    assert filled.mongodb_url.get_secret_value() == "mongodb://%2Frun%2Fme%2Fmongod.sock/mine?journal=true"
    assert filled.chroma_url.get_secret_value() == "unix:///run/me/chroma.sock"
    assert private_names(filled) == []


def test_urls_lead_every_client_to_an_odd_folder():
    folder = "/srv/a b%20c?d#é"
    filled = with_urls(settings_of(), State(sockets=folder))
    redis_url = filled.redis_url.get_secret_value()
    mongodb_url = filled.mongodb_url.get_secret_value()

    assert parse_url(redis_url)["path"] == f"{folder}/valkey.sock"
    assert unquote(urlsplit(filled.chroma_url.get_secret_value()).path) == f"{folder}/chroma.sock"
    assert parse_uri(mongodb_url)["nodelist"] == [(f"{folder}/mongod.sock", None)]
    # Celery's spelling of the same socket.
    kombu_url = redis_url.replace("unix://", "redis+socket://").replace("db=", "virtual_host=")
    with Connection(kombu_url) as connection:
        assert connection.channel_errors  # the transport is loaded, nothing is connected
        assert connection.hostname == f"socket://{kombu_url.removeprefix('redis+socket://')}"


def test_setting_env_gives_a_child_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = settings_of(
        home=tmp_path,
        roots={"a": tmp_path / "x", "b": tmp_path / "y"},
        redis_url="redis://:p@h",
        concurrency=3,
        log_json=True,
        scratch=tmp_path,
        anthropic_api_key="k",
        ollama_host="http://h:11434",
        ai_urls={"openai": "http://h/v1"},
        ai_headers={"claude": {"X-Team": "a b"}},
        ai_models={"gemini": "g"},
    )
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    for name, value in setting_env(settings).items():
        monkeypatch.setenv(name, value)

    assert Settings(_env_file=None) == settings


def test_given_digest_tells_urls_apart_and_hides_them():
    one, other = (settings_of(redis_url=f"redis://:{password}@h") for password in ("one", "other"))

    assert given_digest(settings_of()) == ""
    assert given_digest(one) == given_digest(one) != given_digest(other)
    assert "one" not in given_digest(one)


def test_given_digest_tells_databases_and_roots_apart(tmp_path: Path):
    digests = {
        given_digest(settings_of()),
        given_digest(settings_of(database="shop")),
        given_digest(settings_of(roots={"lib": tmp_path})),
        given_digest(settings_of(roots={"lib": tmp_path / "other"})),
    }

    assert len(digests) == 4
    assert given_digest(settings_of(database="samplemind", roots={})) == ""
    assert given_digest(settings_of(concurrency=3)) == ""


def described(home: Path, **fields: object) -> dict[str, Service]:
    settings = with_urls(settings_of(home=home, **fields), State(sockets="/run/me"))
    return {service.name: service for service in workers(settings, Home(home))}


def roles(services: Mapping[str, Service]) -> dict[str, tuple[str, ...]]:
    return {name: service.argv[service.argv.index("samplemind_worker.app") + 1 :] for name, service in services.items()}


def test_one_worker_stores_and_summarizes_where_no_model_can_be_asked(tmp_path: Path):
    assert roles(described(tmp_path)) == {
        "worker-cpu": ("worker", "--role", "cpu"),
        "worker-io": ("worker", "--role", "io"),
        "beat": ("beat",),
    }


@pytest.mark.parametrize("fields", [{"gemini_api_key": "k"}, {"ollama_host": "http://h:11434"}])
def test_models_are_asked_by_a_worker_of_their_own(tmp_path: Path, fields: dict[str, object]):
    assert roles(described(tmp_path, **fields)) == {
        "worker-cpu": ("worker", "--role", "cpu"),
        "worker-io": ("worker", "--role", "store"),
        "worker-ai": ("worker", "--role", "ai"),
        "beat": ("beat",),
    }


def test_models_digest_tells_models_apart_and_hides_keys():
    one, other = (settings_of(gemini_api_key=key) for key in ("one", "other"))
    digests = {
        models_digest(one),
        models_digest(other),
        models_digest(settings_of(ollama_host="http://h:11434")),
        models_digest(settings_of(gemini_api_key="one", ai_budget_day_usd=1)),
    }

    assert len(digests) == 4
    assert models_digest(settings_of(gemini_api_key="one", concurrency=3, roots={})) == models_digest(one)
    assert "one" not in models_digest(one)
    assert models_digest(settings_of(ai_budget_day_usd=1)) == ""


def test_only_who_can_ask_a_model_misses_it_in_the_workers():
    asks, does_not = settings_of(gemini_api_key="k"), settings_of()

    assert asks_otherwise(asks, State()) is True
    assert asks_otherwise(asks, State(models=models_digest(asks))) is False
    assert asks_otherwise(does_not, State(models=models_digest(asks))) is False


def test_workers_get_the_urls_and_one_thread(tmp_path: Path):
    env = described(tmp_path)["worker-cpu"].env
    assert env["SAMPLEMIND_HOME"] == str(tmp_path)
    assert env["SAMPLEMIND_REDIS_URL"] == "unix:///run/me/valkey.sock?db=0"
    assert env["SAMPLEMIND_CHROMA_URL"] == "unix:///run/me/chroma.sock"
    assert {env[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")} == {"1"}
