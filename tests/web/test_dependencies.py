"""What routes depend on is awaited: a plain function would take a thread for every request."""

import inspect
from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from config.settings import Settings
from samplemind_web.app import create_app


def dependencies(part: Dependant) -> Iterator[object]:
    for each in part.dependencies:
        yield each.call
        yield from dependencies(each)


def test_no_dependency_takes_a_thread():
    included = [getattr(each, "original_router", None) for each in create_app(Settings.model_construct()).router.routes]
    routes = [route for each in included if each is not None for route in each.routes if isinstance(route, APIRoute)]
    assert len(routes) > 50

    calls = {call for route in routes for call in dependencies(route.dependant)}

    awaited = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    assert [call for call in calls if not any(test(call) or test(type(call).__call__) for test in awaited)] == []
