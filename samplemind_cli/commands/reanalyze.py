"""``plan`` and ``reanalyze``: what a new version of SampleMind would do again, and doing it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from samplemind_cli import filters as filter_options
from samplemind_cli import options, output
from samplemind_cli.commands.submit import begin, print_results, told_how_to_follow
from samplemind_worker import times
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from config.settings import Settings
    from samplemind_cli.reports import Plan as PlanReport
    from samplemind_worker.submission.plan import Plan, Wanted

_Step = Annotated[
    str | None,
    typer.Option(
        "--step",
        metavar="STEP",
        help="Only what has an older result of this step: decode, features, tempo_key (or key, tempo), summarize, or "
        "waveform (no step of its own: files are decoded for it alone).",
        show_default=False,
    ),
]
_Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="SEARCH",
        help="Only what this text finds, written as for `search`; the filters narrow it.",
        show_default=False,
    ),
]
_Force = Annotated[bool, typer.Option("--force", help="What has a result of this version, too.")]


@filter_options.filtered
def plan(
    *,
    step: _Step = None,
    where: _Where = None,
    filters: dict[str, Any],
    force: _Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what this version would do again, and what it takes.

    Nothing is changed. `reanalyze` with the same options does it.
    """
    step = _checked(step, where, filters)
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        made = client.plan(settings, _wanted(step, where, filters, settings, force=force))
        report = _report(made)
    if as_json:
        output.emit(report)
    else:
        _print(report)


@filter_options.filtered
def reanalyze(
    *,
    step: _Step = None,
    where: _Where = None,
    filters: dict[str, Any],
    force: _Force = False,
    no_ai: Annotated[bool, typer.Option("--no-ai", help="Ask no model: the local describer writes.")] = False,
    budget: Annotated[
        float | None,
        typer.Option(parser=options.usd, metavar="USD", help="The most that summaries may cost.", show_default=False),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until the end; Ctrl-C lets it run on.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Do again what an older version did, after all other work.

    `plan` says beforehand what that is. `pause` and `resume` hold the batch and let it go on. The summary of a file
    that is analysed again is written anew.
    """
    step = _checked(step, where, filters)
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.submission.options import SubmitOptions  # noqa: PLC0415 -- slow import

    with record.open_record(for_work=True) as settings:
        wanted = _wanted(step, where, filters, settings, force=force)
        name = _name(step, where, filters, force=force)
        done = client.reanalyze(settings, wanted, SubmitOptions(name=name, ai=not no_ai, budget_usd=budget))
        if done.gone:
            output.note(f"{plural(done.gone, 'file is', 'files are')} gone, and left as recorded")
        if done.job is None:
            output.note("nothing to do again")
            if as_json:
                output.emit({"total_files": 0})
            return
        batch_id = done.job.id
        with told_how_to_follow(batch_id):
            output.note(f"recorded {plural(done.files, 'file')} as batch {batch_id}, after all other work")
            ended = begin(batch_id, settings, wait=wait)
        if ended is None:
            if as_json:
                output.emit(client.batch_report(batch_id))
            else:
                output.write(f"{batch_id}\n")
                output.note(f"follow it with `samplemind status {batch_id} --watch`, hold it with `samplemind pause`")
            return
        if as_json:
            output.emit(ended)
        else:
            print_results(ended)
        raise typer.Exit(0 if ended["status"] == "completed" and not ended["failed"] else 1)


def _checked(step: str | None, where: str | None, filters: dict[str, Any]) -> str | None:
    """Return the full name of the step; raises UsageError before anything is connected if an option cannot be read."""
    from samplemind_worker.finding import query  # noqa: PLC0415 -- slow import
    from samplemind_worker.submission.plan import step_named  # noqa: PLC0415 -- slow import

    query.read(where or "")
    if where is not None:
        options.filled(where.strip())
    filter_options.check(filters)
    return None if step is None else step_named(step)


def _wanted(
    step: str | None, where: str | None, filters: dict[str, Any], settings: "Settings", *, force: bool
) -> "Wanted":
    from samplemind_worker.finding import query  # noqa: PLC0415 -- slow import
    from samplemind_worker.submission.plan import Wanted  # noqa: PLC0415 -- slow import

    return Wanted(step, query.read(where or ""), filter_options.chosen(filters, settings), force)


def _name(step: str | None, where: str | None, filters: dict[str, Any], *, force: bool) -> str:
    """Name the batch by what was asked for, so that nobody asks twice for the same."""
    asked = {"step": step, "where": where, **filters, "force": force}
    given = {f"--{name.replace('_', '-')}": value for name, value in asked.items() if value}
    return " ".join(["reanalyze", *(name if value is True else f"{name} {value}" for name, value in given.items())])


def _report(made: "Plan") -> "PlanReport":
    from samplemind_cli import client  # noqa: PLC0415 -- slow import
    from samplemind_worker.documents.versions import PLANNED, VERSIONS  # noqa: PLC0415 -- slow import

    tally = made.tally
    rate = made.pace.files / made.pace.elapsed if made.pace.elapsed else None
    texts = round(tally.texts)
    return {
        "contents": made.contents,
        "steps": {step: {"version": VERSIONS[step], "outdated": made.old[step]} for step in PLANNED},
        "analyze": round(tally.analyse),
        "summarize": round(tally.summarize),
        "draw": round(tally.draw),
        "gone": round(tally.gone),
        "is_exact": tally.is_exact,
        "cpu_seconds": round(tally.seconds, 1),
        "eta_seconds": made.elapsed,
        "measured": {
            "batches": made.pace.batches,
            "files": made.pace.files,
            "files_per_second": None if rate is None else round(rate, 2),
        },
        "ai": client.expected_cost(texts, "bulk") if texts else None,
        "by_workers": {
            "vectors": made.vectors,
            "migrations": [
                {"collection": one.migration.collection, "version": one.migration.version, "seen": one.form.seen}
                for one in made.migrations
            ],
        },
        "without_waveform": made.waveforms,
    }


def _print(report: "PlanReport") -> None:
    from samplemind_worker.documents.versions import WAVEFORM_VERSION  # noqa: PLC0415 -- slow import

    rows = [(step, values["version"], values["outdated"]) for step, values in report["steps"].items()]
    rows.append(("waveform", WAVEFORM_VERSION, report["without_waveform"]))
    output.table(("step", "version", "older"), ((step, version, _count(older)) for step, version, older in rows))
    about = "" if report["is_exact"] else "about "
    counts = (
        (report["analyze"], "file", "files", "to analyse again"),
        (report["summarize"], "summary", "summaries", "to write again"),
        (report["draw"], "waveform", "waveforms", "to draw again"),
    )
    parts = [f"{plural(count, one, many)} {what}" for count, one, many, what in counts if count]
    if not parts:
        output.write(f"nothing to do again: {plural(report['contents'], 'file is', 'files are')} analysed\n")
    else:
        output.say(f"{about}{', '.join(parts)}, of {plural(report['contents'], 'file')}")
    if report["analyze"] or report["draw"]:
        _print_time(report)
    if cost := report["ai"]:
        output.say(
            f"summaries by {cost['provider']} ({cost['model']}): about {cost['input_tokens']:,} tokens in and "
            f"{cost['output_tokens']:,} out in {plural(cost['requests'], 'request')}, {cost['usd']:.2f} USD"
        )
    if report["gone"]:
        output.note(f"{about}{plural(report['gone'], 'file is', 'files are')} gone, and left as recorded")
    if vectors := report["by_workers"]["vectors"]:
        output.note(f"the workers make {plural(vectors, 'vector')} anew by themselves; no file is read for that")
    if waiting := report["by_workers"]["migrations"]:
        names = ", ".join(one["collection"] for one in waiting)
        output.note(f"the workers bring the documents of {names} to their present form by themselves")
    if parts:
        output.note("`samplemind reanalyze` does it, after all other work")


def _print_time(report: "PlanReport") -> None:
    spent, eta, measured = report["cpu_seconds"], report["eta_seconds"], report["measured"]
    said = f"{times.span(spent)} of computing the last time"
    if eta is None:
        output.say(f"{said}; how long that takes is not known before a batch was measured or workers run")
    elif measured["batches"]:
        pace = f"{plural(measured['files'], 'file')} at {measured['files_per_second']:,} files/s"
        output.say(f"{said}; about {times.span(eta)} at the pace of the last batches ({pace})")
    else:
        output.say(f"{said}; about {times.span(eta)} for the workers that run now")


def _count(number: int) -> output.Number:
    return output.Number(f"{number:,}")
