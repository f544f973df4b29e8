from typing import Any

import pytest

from samplemind_cli.progress import (
    Pace,
    _Silence,  # pyright: ignore[reportPrivateUsage] -- what it says and when is tested here
    count_in_words,
    follow,
    in_words,
    rest,
)
from samplemind_worker.errors import ServiceUnavailableError


def batch(**values: Any) -> dict[str, Any]:
    counts = dict.fromkeys(("completed", "failed", "skipped", "cancelled", "running", "pending"), 0)
    given: dict[str, Any] = {
        "recorded": True,
        "finished_at": None,
        "files_per_second": 0.0,
        "status": "processing",
        **counts,
        **values,
    }
    return {"total_files": sum(given[state] for state in counts), **given}


def pace_of(*samples: tuple[float, int]) -> float | None:
    pace = Pace()
    for now, ended in samples:
        pace.add(now, ended)
    return pace.rate()


def test_rate_is_that_of_the_last_ten_seconds():
    # 100 a second for a minute, then another batch takes its share: 10 a second.
    fast = [(float(second), 100 * second) for second in range(61)]
    slow = [(60.0 + second, 6000 + 10 * second) for second in range(1, 21)]

    assert pace_of(*fast) == pytest.approx(100)
    assert pace_of(*fast, *slow) == pytest.approx(10)


def test_rate_of_few_long_files_is_taken_over_a_minute():
    assert pace_of(*((float(second), second // 20) for second in range(121))) == pytest.approx(3 / 60)


def test_rate_from_the_first_two_looks():
    assert pace_of((0.0, 400), (0.5, 450)) == pytest.approx(100)


@pytest.mark.parametrize("samples", [[(0.0, 0)], [(0.0, 5), (30.0, 5)]])
def test_no_rate_where_nothing_ended(samples: list[tuple[float, int]]):
    assert pace_of(*samples) is None


def test_rate_starts_anew_after_a_retry():
    assert pace_of((0.0, 100), (1.0, 100), (2.0, 40), (4.0, 60)) == pytest.approx(10)


def test_pace_forgets_what_is_old():
    pace = Pace()
    for tick in range(100_000):
        pace.add(tick * 0.5, tick)

    assert pace.rate() == pytest.approx(2.0)
    kept = pace._samples  # noqa: SLF001 -- what it holds  # pyright: ignore[reportPrivateUsage]
    assert len(kept) <= 122  # a million files must not fill the memory


@pytest.mark.parametrize(
    ("ended", "total", "failed", "rate", "words"),
    [
        (0, 1, 0, None, "0/1 files (0 %), ETA -, 0 failed"),
        (1, 1, 1, None, "1/1 files (100 %), ETA -, 1 failed"),
        (1204, 5000, 3, 412.34, "1,204/5,000 files (24 %), 412 files/s, ETA 9 s, 3 failed"),
        (999_999, 1_000_000, 0, 1234.5, "999,999/1,000,000 files (99 %), 1,234 files/s, ETA 0 s, 0 failed"),
        (10, 1_000_000, 0, 50.06, "10/1,000,000 files (0 %), 50.1 files/s, ETA 5 h 33 min, 0 failed"),
        (2, 4, 0, 0.05, "2/4 files (50 %), 0.05 files/s, ETA 40 s, 0 failed"),
    ],
)
def test_counts_in_words(ended: int, total: int, failed: int, rate: float | None, words: str):
    assert count_in_words(ended, total, failed=failed, rate=rate) == words


def test_words_count_every_way_to_end():
    report = batch(completed=5, failed=1, skipped=2, cancelled=0, running=1, pending=1, files_per_second=2.0)

    assert in_words(report, 4.0) == "8/10 files (80 %), 4.0 files/s, ETA 0 s, 1 failed"
    assert in_words(report, None) == "8/10 files (80 %), 2.0 files/s, ETA 1 s, 1 failed"


def test_words_while_recording_give_no_share():
    assert in_words(batch(pending=12_000, recorded=False), None) == "recording, 12,000 files so far"


def test_follow_ends_with_the_batch():
    reports = iter([batch(pending=2), batch(completed=1, pending=1), batch(completed=2, finished_at="now")])

    last = follow(lambda: next(reports), working_on=list, obstacles=list, recover=lambda: None)

    assert last["completed"] == 2


def test_follow_outlives_a_service_that_is_away_for_a_moment(capsys: pytest.CaptureFixture[str]):
    answers = iter([None, None, batch(completed=1, finished_at="now")])

    def look() -> dict[str, Any]:
        answer = next(answers)
        if answer is None:
            raise ServiceUnavailableError("MongoDB does not answer")
        return answer

    assert follow(look, working_on=list, obstacles=list, recover=lambda: None)["completed"] == 1
    assert capsys.readouterr().err == "MongoDB does not answer; trying again\n"


@pytest.mark.parametrize(("took", "seconds"), [(0.01, 0.2), (0.1, 0.9), (1.0, 9.0), (30.0, 10.0)])
def test_rest_grows_with_the_look_up_to_ten_seconds(took: float, seconds: float):
    assert rest(0.2, took) == pytest.approx(seconds)


def test_what_is_in_the_way_is_told_once_until_something_moves(capsys: pytest.CaptureFixture[str]):
    answers = iter([[], ["no cpu worker"], ["no cpu worker", "Chroma fails"], *[["no cpu worker"]] * 20])

    silence = _Silence(lambda: next(answers))
    for second in range(100):
        silence.heed(float(second), batch(pending=3))
    told = capsys.readouterr().err.splitlines()
    for second in range(100, 120):
        silence.heed(float(second), batch(completed=1, pending=2))

    # Nothing at first: a worker was busy with a long file, say.
    assert told == ["nothing moves: no cpu worker", "nothing moves: Chroma fails"]
    assert capsys.readouterr().err.splitlines() == ["nothing moves: no cpu worker"]


def test_progress_breaks_the_silence():
    def obstacles() -> list[str]:
        raise AssertionError("it moves")

    silence = _Silence(obstacles)
    for second in range(0, 300, 8):
        silence.heed(float(second), batch(completed=second, pending=300 - second))
