from samplemind_worker.documents.states import FINAL_STATES, OPEN_STATES, State, Step
from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS


def test_states_are_open_or_final():
    assert sorted((*OPEN_STATES, *FINAL_STATES)) == sorted(State)


def test_final_states_are_those_that_the_report_counts():
    assert [state.value for state in FINAL_STATES] == ["completed", "failed", "skipped", "cancelled"]


def test_every_step_has_a_version():
    assert list(VERSIONS) == [step.value for step in Step]
    assert [version for version in VERSIONS.values() if version < 1] == []


def test_cpu_steps_are_the_first_three():
    assert list(CPU_STEPS) == [step.value for step in Step][:3]
