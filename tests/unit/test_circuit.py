import threading

import pytest

from samplemind_worker.circuit import Circuit


class RefusedError(Exception):
    pass


class AwayError(Exception):
    pass


class AnsweredError(Exception):
    pass


def call(circuit: Circuit, error: Exception | None = None) -> None:
    with circuit.attempt(RefusedError("closed for a while")):
        if error is not None:
            raise error


def fail(circuit: Circuit, error: Exception) -> None:
    with pytest.raises(type(error)):
        call(circuit, error)


def test_it_opens_after_some_failures_in_a_row():
    circuit = Circuit(failures=2, pause_seconds=3600.0, exclude=[])
    fail(circuit, AwayError())
    call(circuit)
    fail(circuit, AwayError())
    call(circuit)

    fail(circuit, AwayError())
    fail(circuit, AwayError())

    with pytest.raises(RefusedError, match="closed for a while"):
        call(circuit)


def test_an_error_that_is_an_answer_does_not_open_it():
    circuit = Circuit(failures=1, pause_seconds=3600.0, exclude=[AnsweredError])

    fail(circuit, AnsweredError())

    call(circuit)


def test_one_caller_at_a_time_tries_a_service_that_failed():
    circuit = Circuit(failures=1, pause_seconds=0.0, exclude=[])
    fail(circuit, AwayError())
    refused: list[Exception] = []

    def try_too() -> None:
        try:
            call(circuit)
        except RefusedError as error:
            refused.append(error)

    with circuit.attempt(RefusedError("closed for a while")):
        other = threading.Thread(target=try_too)
        other.start()
        other.join()
    call(circuit)

    assert [str(error) for error in refused] == ["closed for a while"]


def test_it_stays_open_as_long_as_is_said_and_a_success_brings_the_usual_pause_back():
    circuit = Circuit(failures=1, pause_seconds=0.0, exclude=[])
    circuit.open(3600.0)
    with pytest.raises(RefusedError):
        call(circuit)

    circuit.open(0.0)
    call(circuit)
    fail(circuit, AwayError())

    call(circuit)
