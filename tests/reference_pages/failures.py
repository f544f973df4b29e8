"""failures.md: why a file, or a command, fails."""

import inspect
from collections.abc import Iterator

from samplemind_cli.exit_codes import MEANINGS, SERVICE
from samplemind_cli.field_docs import paragraph
from samplemind_worker import errors
from samplemind_worker.errors import PERMANENT_ERRORS, ProviderError, SampleMindError, TransientError
from tests.reference_pages.markdown import code, head, joined, table, text


def page() -> str:
    """Return the page."""
    return joined(
        [
            *head("Failures", "What can go wrong, whether it is tried again, and what to do."),
            "## Codes of files",
            "",
            *text(
                "A file that cannot be analysed has one of these codes as `error.code`, with a message that says more "
                "(`samplemind files BATCH --state failed`). The other files of its batch go on. A code is final: "
                "`samplemind retry BATCH` tries the file again, and so does the next `samplemind submit` of its "
                "folder. Before it gets a code that is *begun again*, a file of a batch is begun up to "
                "`SAMPLEMIND_MAX_STARTS` times, unless its decoder alone is at fault."
            ),
            *table(
                ("code", "begun again", "meaning", "what to do"),
                (
                    (code(name), "yes" if error.is_tried_again else "no", meaning(error), error.advice)
                    for name, error in PERMANENT_ERRORS.items()
                ),
            ),
            "## Faults that pass",
            "",
            *text(
                "These end no file: the work is tried again, with pauses, until it succeeds. A command that cannot "
                f"reach a service ends with {_code_of(SERVICE)}."
            ),
            *table(("fault", "meaning"), ((code(each.__name__), meaning(each)) for each in _below(TransientError))),
            "## Faults of providers of summaries",
            "",
            *text(
                "The analysis of a file is stored all the same. The next provider of the route is asked, or the local "
                "describer writes (`docs/summaries.md`)."
            ),
            *table(("fault", "meaning"), ((code(each.__name__), meaning(each)) for each in _below(ProviderError))),
            "## Exit codes of commands",
            "",
            *exit_codes(),
        ]
    )


def exit_codes() -> list[str]:
    """Return the table of the exit codes of all commands."""
    return table(("exit code", "meaning"), ((str(number), said) for number, said in MEANINGS.items()))


def _code_of(number: int) -> str:
    return f"exit code {number} ({MEANINGS[number]})"


def meaning(error: type[SampleMindError]) -> str:
    """Return what the class of an error says."""
    return paragraph(inspect.getdoc(error) or "")


def _below(base: type[SampleMindError]) -> Iterator[type[SampleMindError]]:
    for each in vars(errors).values():
        if isinstance(each, type) and issubclass(each, base) and each is not base:
            yield each
