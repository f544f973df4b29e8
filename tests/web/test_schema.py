"""Random requests, as the OpenAPI document allows and forbids them: each answer is as documented, and none is a 500."""

from collections import Counter
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.settings import Settings
from samplemind_web.app import create_app
from tests.factories import new_batch
from tests.web.work import API, sounds

pytestmark = pytest.mark.services

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Streams have no end, the doctor takes seconds, and with the first user everybody else is shut out.
LEFT_OUT = r"/events$|/system/doctor$|/users$"
EXAMPLES = 5  # of each operation

document = create_app(Settings.model_construct(web_origins=())).openapi()
operations = [
    (f"{method} {path}", operation)
    for path, methods in document["paths"].items()
    for method, operation in methods.items()
]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with one small root: a random path must not have the whole disk walked."""
    folders = {"inbox": tmp_path / "inbox", "library_root": tmp_path / "shop" / "library", "home": tmp_path / "home"}
    sounds(tmp_path / "shop" / "kit", 1)
    return settings.model_copy(update=folders | {"roots": {"shop": tmp_path / "shop"}})


def test_every_operation_has_a_name_of_its_own_and_its_errors_are_problems():
    ids = [operation["operationId"] for _, operation in operations]

    assert len(set(ids)) == len(ids)
    assert [name for name, operation in operations if "default" not in operation["responses"]] == []
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.timeout(240)
# The server draws random numbers in a thread of this process while cases are made.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
def test_every_answer_is_as_documented(web_url: str, web: httpx.Client):
    real = {"batch_id": new_batch(2).id, "name": "shop"}
    api = schemathesis.openapi.from_dict(document).exclude(path_regex=LEFT_OUT)
    names: list[str] = []
    statuses: Counter[int] = Counter()
    for found in api.get_all_operations():
        operation = found.ok()
        names.append(operation.label)

        as_allowed = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        as_forbidden = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

        @given(case=as_allowed | as_forbidden)
        @examples(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def _check(case: schemathesis.Case) -> None:
            answer = case.call(base_url=web_url)
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)
            # The same about something that is there.
            if there := {name: value for name, value in real.items() if name in case.path_parameters}:
                case.path_parameters.update(there)
                case.validate_response(case.call(base_url=web_url), checks=CHECKS)

        _check()
    assert f"GET {API}/batches" in names
    assert {200, 404, 422} <= set(statuses)
    assert web.get("/healthz").status_code == 200
