"""The ledger of what summaries cost, in a real MongoDB."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.ai import Price
from samplemind_worker.documents.spend import AiCall, CallState, Purse, from_usd, micro_usd
from samplemind_worker.store import mongo, spend
from samplemind_worker.store.spend import Call, Caps, Reservation
from samplemind_worker.usage import Usage
from tests.factories import calls_of

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]


def call(most: int, *, batch: str = "b1", provider: str = "gemini") -> Call:
    return Call(batch, provider, "model", "audio_analysis", 20, most)


def reserve(most: int, caps: Caps, **values: Any) -> Reservation:
    made = spend.reserve(call(most, **values), caps)
    assert isinstance(made, Reservation)
    return made


def purses() -> dict[str, Any]:
    """The totals by kind of purse."""

    async def _read() -> list[dict[str, Any]]:
        return await Purse.get_pymongo_collection().find({}).to_list()

    return {row["_id"].partition(":")[0]: row for row in mongo.run(_read())}


def totals() -> dict[str, int]:
    return {name: row["total"] for name, row in purses().items()}


def states(batch: str = "b1") -> list[CallState]:
    return [each.state for each in calls_of(batch)]


def age_calls(by: timedelta) -> None:
    async def _age() -> None:
        now = await mongo.read_clock()
        async for call in AiCall.find_all():
            assert call.lost_at is not None
            await call.set({"reserved_at": now - by, "lost_at": call.lost_at - by})

    mongo.run(_age())


def test_a_call_is_reserved_and_settled_in_all_its_purses():
    made = reserve(300, Caps(batch=1000, day=1000, month=1000))
    reserved = totals()

    spend.settle(made, usage=Usage(200, 20, 1), spent=120)

    assert reserved == {"batch": 300, "day": 300, "month": 300}
    assert totals() == {"batch": 120, "day": 120, "month": 120}
    sums = {"calls": 1, "requests": 1, "input_tokens": 200, "output_tokens": 20, "micro_usd": 120}
    assert [row["providers"] for row in purses().values()] == [{"gemini": sums}] * 3
    assert [row["open"] for row in purses().values()] == [{}] * 3
    (kept,) = calls_of("b1")
    assert (kept.state, kept.reserved, kept.spent, kept.input_tokens) == (CallState.SETTLED, 300, 120, 200)


def test_settling_twice_is_settling_once():
    made = reserve(300, Caps())

    for _ in range(3):
        spend.settle(made, usage=Usage(200, 20, 1), spent=120)

    assert totals() == {"batch": 120, "day": 120, "month": 120}
    assert purses()["day"]["providers"]["gemini"]["calls"] == 1


@pytest.mark.parametrize(
    ("caps", "empty"),
    [
        (Caps(batch=999), "batch"),
        (Caps(day=999), "day"),
        (Caps(month=999), "month"),
        (Caps(batch=10_000, month=10_000, day=999), "day"),
    ],
)
def test_no_purse_gives_more_than_its_cap(caps: Caps, empty: str):
    reserve(600, caps)

    assert spend.reserve(call(400), caps) == empty
    assert totals() == {"batch": 600, "day": 600, "month": 600}
    assert sorted(states()) == [CallState.REFUSED, CallState.RESERVED]
    reserve(399, caps)


def test_a_first_call_that_is_too_dear_is_refused():
    assert spend.reserve(call(51), Caps(batch=50)) == "batch"
    assert totals() == {}


def test_another_batch_has_its_own_purse_but_the_same_day():
    caps = Caps(batch=1000, day=1500)
    reserve(1000, caps)

    assert spend.reserve(call(501, batch="b2"), caps) == "day"
    reserve(500, caps, batch="b2")


def test_what_costs_nothing_is_let_through_whatever_a_purse_holds():
    reserve(100, Caps(day=100))

    made = reserve(0, Caps(day=0), provider="ollama")
    spend.settle(made, usage=Usage(500, 500, 1), spent=0)

    assert purses()["day"]["providers"]["ollama"]["input_tokens"] == 500
    assert totals()["day"] == 100


def test_many_at_once_never_reserve_more_than_the_cap():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: spend.reserve(call(70), Caps(batch=1000)), range(40)))

    let_through = [each for each in made if isinstance(each, Reservation)]
    assert len(let_through) == 14
    assert totals() == {"batch": 980, "day": 980, "month": 980}


def test_what_a_killed_worker_left_counts_as_spent_and_is_written_off_after_an_hour():
    caps = Caps(batch=1000)
    left = reserve(600, caps)
    assert spend.reserve(call(600), caps) == "batch"
    age_calls(timedelta(hours=2))

    assert spend.reserve(call(600), caps) == "batch"

    assert totals()["batch"] == 600
    lost = next(each for each in calls_of("b1") if each.id == left.call_id)
    assert (lost.state, lost.spent) == (CallState.LOST, 600)
    assert purses()["batch"]["open"] == {}


def test_what_may_take_days_is_not_written_off_before():
    caps = Caps(batch=1000)
    made = spend.reserve(dataclasses.replace(call(600), patience=timedelta(days=3)), caps)
    assert isinstance(made, Reservation)
    age_calls(timedelta(days=2))
    assert spend.reserve(call(600), caps) == "batch"

    spend.settle(made, usage=Usage(), spent=100)

    assert totals()["batch"] == 100
    assert isinstance(spend.reserve(call(600), caps), Reservation)


def test_a_purse_that_a_crash_left_open_is_brought_up_to_date_when_it_seems_empty():
    caps = Caps(batch=1000)
    made = reserve(900, caps)

    async def _crash_between_call_and_purses() -> None:
        await AiCall.get_pymongo_collection().update_one(
            {"_id": made.call_id}, {"$set": {"state": CallState.SETTLED.value, "spent": 100}}
        )

    mongo.run(_crash_between_call_and_purses())

    reserve(900, caps)

    assert totals()["batch"] == 1000


def test_what_a_batch_has_cost_can_be_asked_for():
    assert mongo.run(spend.sums_of_batch("b1")) == {"calls": 0, "usd": 0}
    made = reserve(9000, Caps())
    spend.settle(made, usage=Usage(1, 1, 1), spent=7000)
    assert mongo.run(spend.sums_of_batch("b1")) == {"calls": 1, "usd": 0.007}

    # Its worker may be killed, and its request may be charged all the same.
    reserve(5000, Caps())
    assert mongo.run(spend.sums_of_batch("b1")) == {"calls": 2, "usd": 0.012}


@given(st.integers(0, 10**7), st.integers(0, 10**6), st.sampled_from([0.0, 0.075, 0.75, 2.0, 3.75]))
def test_cost_is_exact_and_rounded_up(asked: int, said: int, price: float):
    cost = micro_usd(Price(price, 10.0), Usage(asked, said, 1))

    exact = asked * round(price * 1000) + said * 10_000  # thousandths of a millionth
    assert 0 <= cost * 1000 - exact < 1000


def test_caps_are_rounded_down():
    assert (from_usd(0.05), from_usd(0.0000019)) == (50_000, 1)
