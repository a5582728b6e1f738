"""`abathur task submit`."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from abathur_tui.cli import output
from abathur_tui.cli.following import follow_to_result
from abathur_tui.cli.interrupts import Interrupts
from abathur_tui.cli.invocation import Command, Invocation, invocation
from abathur_tui.cli.keys import Key, told_again
from abathur_tui.cli.opening import opened, tell_files, tell_notices
from abathur_tui.cli.quantities import moment, seconds
from abathur_tui.cli.runtimes import Model, Runtime
from abathur_tui.cli.task.naming import commands, tasks_named
from abathur_tui.cli.task.schedules import local_time
from abathur_tui.cli.text import read_file_or_input, read_prompt
from abathur_tui.domain.clock import iso
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.domain.execution import Submitted
from abathur_tui.domain.recurrence import Recurrence
from abathur_tui.domain.schedules import Scheduled
from abathur_tui.project import Project, Wish
from abathur_tui.project.answers import execution_name, schedule_name, task_name

_INPUT_BYTES = 1_048_576


def _later(help: str) -> Any:
    """An option that the language knows, and checks: `--budget 5` becomes `budget=5`."""
    return typer.Option(metavar="V", help=help, show_default=False)


@commands.command(
    "submit",
    cls=Command,
    epilog="""
    abathur task submit "Write a changelog for the last release" --priority high
    abathur task submit --template CODE --param component="auth service" --param language=rust
    abathur task submit 'ABYSSAL[TEST]("load tests")' --after t12
    abathur task submit "Check the nightly build" --in 2h --tag nightly --json
    abathur task submit "Look for broken links" --cron "0 7 * * 1-5" --timezone Europe/Berlin
    git diff | abathur task submit --template TEST --input - --wait
    abathur task submit "Tag the release" --key release-1.4
    """,
)
def submit(
    context: typer.Context,
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="A prompt, ABYSSAL commands, or the template's subject; - is standard input.", show_default=False),
    ] = None,
    template: Annotated[str | None, typer.Option("--template", metavar="T", help="A template, as NAME or NAME@VERSION.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="K=V", help="A parameter; V is JSON where it parses as JSON, else text. May be repeated.")
    ] = None,
    params: Annotated[str | None, typer.Option("--params", metavar="FILE", help="A JSON object of parameters, from a file or -.")] = None,
    input: Annotated[
        str | None, typer.Option("--input", metavar="FILE|-", help="What fills the template's subject, or is the prompt; at most 1 MiB.")
    ] = None,
    after: Annotated[list[str] | None, typer.Option("--after", metavar="ID", help="A task to wait for; may be repeated.")] = None,
    ignore_dependency_failure: Annotated[bool, typer.Option("--ignore-dependency-failure", help="Go on when those have failed.")] = False,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Not before this date and time.")] = None,
    in_: Annotated[str | None, typer.Option("--in", metavar="D", help="Not before this time from now, such as 30m or 2h.")] = None,
    cron: Annotated[
        str | None, typer.Option("--cron", metavar="C", help="Again and again: minute, hour, day, month, day of week; or @hourly, @daily, @weekly.")
    ] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", metavar="Z", help="The time zone of --cron, such as Europe/Berlin.")] = None,
    runtime: Runtime = None,
    model: Model = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end and print its result, as `run` does.")] = False,
    priority: Annotated[str | None, _later("0 to 10, or low, normal, high, critical.")] = None,
    agent: Annotated[str | None, _later("The agent definition that does it.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="T", help="A tag; may be repeated.")] = None,
    retries: Annotated[str | None, _later("Attempts after the first.")] = None,
    timeout: Annotated[str | None, _later("The time of one attempt, such as 30s or 2h.")] = None,
    on_failure: Annotated[str | None, _later("retry, fail or skip.")] = None,
    expires: Annotated[str | None, _later("It fails where it has not started by then, such as 2h.")] = None,
    mode: Annotated[str | None, _later("parallel or sequential: how nested commands run.")] = None,
    parallel: Annotated[str | None, _later("Instances of the same node, joined.")] = None,
    join: Annotated[str | None, _later("How results become one: concatenate, merge, reduce, vote, best or synthesize.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", hidden=True)] = None,
    memory: Annotated[str | None, _later("What it needs, such as 512MB: it starts only when that still fits.")] = None,
    cpu: Annotated[str | None, _later("How many cores it needs, such as 2 or 0.5.")] = None,
    success_criteria: Annotated[
        list[str] | None,
        typer.Option("--success-criteria", metavar="C", help="'quality>=0.8', '$ command' or a sentence that a judge checks; may be repeated."),
    ] = None,
    confidence: Annotated[str | None, _later("How sure a judge must be at least that the result is right, 0 to 1.")] = None,
    key: Key = None,
) -> int:
    """Put a task into the queue; it is on disk when this returns.

    An engine works it off: `abathur engine start`, an open screen, or --wait.
    """
    call = invocation(context)
    _refuse_beside_cron(cron, timezone, {"--at": at, "--in": in_, "--after": after, "--wait": wait, "--key": key is not None})
    given = {
        "priority": priority,
        "agent": agent,
        "retries": retries,
        "timeout": timeout,
        "on_failure": on_failure,
        "expires": expires,
        "mode": mode,
        "join": join,
        "parallel": parallel,
        "budget": budget,
        "memory": memory,
        "cpu": cpu,
        "confidence": confidence,
    }
    common: JsonObject = {name: _value(text) for name, text in given.items() if text is not None}
    if tag:
        common["tags"] = list[JsonValue](tag)
    if success_criteria:
        common["success_criteria"] = [one for text in success_criteria for one in _list(_value(text), text)]
    parameters = _parameters(param or (), params)
    subject = _subject(prompt, input)
    start = _start(at, in_)
    with opened(call, create=True) as project:
        tell_notices(call, project.loaded.notices)
        tell_files(call, project.workbench, subject or "" if template is None and agent is None else None)

        async def run() -> int:
            wish = Wish(
                runtime=runtime,
                model=model,
                after=tuple(await tasks_named(project, after or ())),
                ignore_dependency_failure=ignore_dependency_failure,
                not_before=start,
                on_the_clock=at is not None,
                common=common,
                key=key,
            )
            if cron is not None:
                when = project.schedules.recurrence(cron, timezone)
                return await _told_scheduled(project, await _schedule(project, template, parameters, subject, when, wish), call)
            submitted = await _submit(project, template, parameters, subject, wish)
            more = told_again(call, key, submitted.execution, again=submitted.again)
            if not wait:
                return _told(submitted, call, more)
            with Interrupts() as interrupts:
                return await follow_to_result(project, submitted, call, interrupts)

        return asyncio.run(run())


async def _submit(project: Project, template: str | None, parameters: JsonObject, subject: str | None, wish: Wish) -> Submitted:
    if template is None:
        return await project.submit(_only_text(parameters, subject), wish)
    return await project.submit_template(template, _with_subject(project, template, parameters, subject), wish)


async def _schedule(project: Project, template: str | None, parameters: JsonObject, subject: str | None, when: Recurrence, wish: Wish) -> Scheduled:
    if template is None:
        return await project.schedules.add(_only_text(parameters, subject), when, wish)
    return await project.schedules.add_template(template, _with_subject(project, template, parameters, subject), when, wish)


def _only_text(parameters: JsonObject, subject: str | None) -> str:
    """What is submitted without a template."""
    if parameters:
        raise ArgumentInvalid("--param and --params belong to a template.", hint="Name it with --template, or write the parameters into the prompt.")
    if subject is None:
        raise ArgumentInvalid("There is nothing to submit.", hint="Give a prompt, ABYSSAL commands, --input or --template.")
    return subject


def _with_subject(project: Project, template: str, parameters: JsonObject, subject: str | None) -> JsonObject:
    """A template's parameters, with a text as its subject."""
    return parameters if subject is None else {**_subject_parameter(project, template, subject, parameters), **parameters}


def _subject_parameter(project: Project, template: str, subject: str, parameters: JsonObject) -> JsonObject:
    """The subject under the name that the template gives it. An unknown template is told by whoever plans it."""
    name, _, version = template.partition("@")
    found = project.workbench.registry.template(name, version or None)
    if found is None:
        return {}
    if found.subject is None:
        raise ArgumentInvalid(f"{template} has no subject that a text could fill.")
    if found.subject.name in parameters:
        raise ArgumentInvalid(f"{found.subject.name} is given twice: as text, and with --param.")
    return {found.subject.name: subject}


def _subject(prompt: str | None, input: str | None) -> str | None:
    if prompt is not None and input is not None:
        raise ArgumentInvalid("A text and --input exclude each other.")
    if input is None:
        return None if prompt is None else read_prompt(prompt)
    text = read_file_or_input(input)
    if len(text.encode()) > _INPUT_BYTES:
        raise ArgumentInvalid(f"--input: {input} is longer than 1 MiB.")
    return text


def _parameters(pairs: list[str] | tuple[()], file: str | None) -> JsonObject:
    parameters: JsonObject = {}
    if file is not None:
        try:
            read = json.loads(read_file_or_input(file))
        except (ValueError, RecursionError) as error:
            raise ArgumentInvalid(f"--params: {file} is not JSON: {error}.") from error
        if not isinstance(read, dict):
            raise ArgumentInvalid(f"--params: {file} is no JSON object.")
        parameters.update(read)
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name.strip():
            raise ArgumentInvalid(f"--param {pair}: it is written NAME=VALUE.")
        parameters[name.strip()] = _value(text)
    return parameters


def _value(text: str) -> JsonValue:
    """JSON where it parses as JSON, else the text itself."""
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text
    return value


def _list(value: JsonValue, text: str) -> list[JsonValue]:
    """A JSON list of criteria, else the one that was typed."""
    return value if isinstance(value, list) else [text]


def _no_constant(name: str) -> JsonValue:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _refuse_beside_cron(cron: str | None, timezone: str | None, others: Mapping[str, object]) -> None:
    if cron is None and timezone is not None:
        raise ArgumentInvalid("--timezone is for --cron.", hint="A zone of --at stands in it: 2026-01-31T18:30+02:00.")
    for name, given in others.items():
        if cron is not None and given:
            raise ArgumentInvalid(f"--cron and {name} exclude each other.")


def _start(at: str | None, in_: str | None) -> float | None:
    if at is not None and in_ is not None:
        raise ArgumentInvalid("--at and --in exclude each other.")
    if at is not None:
        return moment(at)
    return None if in_ is None else time.time() + seconds(in_, "--in")


async def _told_scheduled(project: Project, scheduled: Scheduled, call: Invocation) -> int:
    name = schedule_name(scheduled.schedule)
    if call.json:
        output.document({"execution": None, "task": None, "schedule": name, "next_at": iso(scheduled.next_at)})
        return 0
    output.lines(str(name) if call.quiet else f"{name}, first on {local_time(scheduled.next_at)}")
    if not call.quiet and project.engine() is None:
        output.note("An engine submits it at its times: `abathur engine start --detach`.")
    return 0


def _told(submitted: Submitted, call: Invocation, more: JsonObject) -> int:
    execution, task = execution_name(submitted.execution), task_name(submitted.root)
    if call.json:
        output.document({"execution": execution, "task": task} | more)
    else:
        output.lines(f"{task} ({execution})" if not call.quiet else str(task))
    return 0
