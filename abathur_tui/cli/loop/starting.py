"""`abathur loop start` and `abathur loop resume`."""

import asyncio
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from abathur_tui.cli import output
from abathur_tui.cli.following import follow_to_result
from abathur_tui.cli.interrupts import Interrupts
from abathur_tui.cli.invocation import Command, Invocation, invocation
from abathur_tui.cli.keys import Key, told_again
from abathur_tui.cli.loop.naming import Id, commands, task_of
from abathur_tui.cli.opening import opened, tell_files, tell_notices
from abathur_tui.cli.outcome import exit_of, tell_result
from abathur_tui.cli.quantities import dollars, priority_of, seconds
from abathur_tui.cli.runtimes import Model, Runtime
from abathur_tui.cli.text import read_file_or_input, read_prompt
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import ArgumentInvalid, Exit
from abathur_tui.domain.execution import Submitted
from abathur_tui.domain.plan import Kind
from abathur_tui.project import Project, Wish
from abathur_tui.project.answers import execution_name
from abathur_tui.project.loops import loop_data, loop_name
from abathur_tui.project.once import key_of, submitted_with
from abathur_tui.storage.queue import LoopLimits

Most = Annotated[str | None, typer.Option("--max-iterations", metavar="N", help="Passes at most, or unlimited.", show_default=False)]
Time = Annotated[str | None, typer.Option("--timeout", metavar="D", help="The time of all passes together, such as 30m or 8h.", show_default=False)]
Patience = Annotated[
    int | None, typer.Option("--patience", metavar="N", help="Passes in a row without a better one that end it.", show_default=False)
]
Budget = Annotated[
    str | None, typer.Option("--budget", metavar="X", help="US dollars that all passes and judges may cost together.", show_default=False)
]
Wait = Annotated[bool, typer.Option("--wait", help="Follow it to its end and print the best pass's output.")]

CRITERION_HELP = (
    "When it has converged. A threshold: latency_ms<=100 or accuracy>=0.9, with its measure as latency_ms<=100: CMD. "
    "stability, or stability(window=3, similarity=0.95). test_pass: CMD. custom: CMD, or a Python function as custom: FILE.py:FUNCTION. "
    "llm_judge>=0.9: RUBRIC. "
    "The bare words threshold, test_pass, custom and llm_judge take the rest from the other options. JSON nests: "
    '{"all": […]}, {"any": […]}. May be repeated: then all must hold, with --any one. Without one a judge decides.'
)


@commands.command(
    "start",
    cls=Command,
    epilog="""
    abathur loop start "Make query.sql faster" --criterion threshold --metric latency_ms --target 100 --direction minimize --measure ./bench.sh
    abathur loop start "Write slug() in slug.py" --criterion 'test_pass: python -m unittest -q' --wait
    abathur loop start "Write the release notes" --criterion 'llm_judge>=0.9: clear, complete, no marketing' --max-iterations 6
    abathur loop start "Tidy the config" --criterion 'test_pass: make test' --criterion 'stability(3)' --any
    abathur loop start "Shrink the image" --success-criteria criteria.json --timeout 8h --json
    """,
)
def start(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What each pass is to do.")],
    criterion: Annotated[list[str] | None, typer.Option("--criterion", metavar="C", help=CRITERION_HELP, show_default=False)] = None,
    any_of: Annotated[bool, typer.Option("--any", help="Of several criteria one is enough.")] = False,
    success_criteria: Annotated[
        str | None, typer.Option("--success-criteria", metavar="FILE", help="Criteria from a JSON or TOML file, or -.", show_default=False)
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", metavar="M", help="The threshold's figure.", show_default=False)] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="X", help="Where it is good enough; a judge's target too.", show_default=False)
    ] = None,
    direction: Annotated[str | None, typer.Option("--direction", metavar="W", help="minimize or maximize.", show_default=False)] = None,
    measure: Annotated[
        str | None, typer.Option("--measure", metavar="CMD", help="Prints one number, or a JSON object of numbers.", show_default=False)
    ] = None,
    command: Annotated[
        str | None,
        typer.Option("--command", metavar="CMD", help="What test_pass or custom runs; custom also takes FILE.py:FUNCTION.", show_default=False),
    ] = None,
    rubric: Annotated[str | None, typer.Option("--rubric", metavar="TEXT", help="What a judge scores by.", show_default=False)] = None,
    max_iterations: Most = None,
    timeout: Time = None,
    patience: Patience = None,
    budget: Budget = None,
    agent: Annotated[str | None, typer.Option("--agent", metavar="A", help="The agent definition that does the passes.", show_default=False)] = None,
    priority: Annotated[
        str | None, typer.Option("--priority", metavar="N", help="0 to 10, or low, normal, high, critical.", show_default=False)
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="T", help="A tag; may be repeated.", show_default=False)] = None,
    runtime: Runtime = None,
    model: Model = None,
    wait: Wait = False,
    key: Key = None,
) -> int:
    """Start a loop: a task that is done again and again, each pass fed by the best one, until it has converged.

    It runs by itself; `abathur loop watch` follows it. It always ends with the best pass, its number and the reason.
    """
    call = invocation(context)
    given: dict[str, JsonValue] = {
        "metric": metric,
        "target": None if target is None else _number("--target", target),
        "direction": direction,
        "measure": measure,
        "command": command,
        "rubric": rubric,
        "max_iterations": _iterations(max_iterations),
        "loop_timeout": None if timeout is None else seconds(timeout, "--timeout"),
        "patience": patience,
        "budget": None if budget is None else dollars(budget, "--budget"),
        "agent": agent,
        "priority": None if priority is None else priority_of(priority),
        "tags": list[JsonValue](tag) if tag else None,
        "criterion": _criterion(criterion or (), success_criteria, any_of=any_of),
    }
    if given["criterion"] is None and metric is None and measure is None:
        given["criterion"] = "test_pass" if command is not None else "llm_judge"
    common: JsonObject = {name: value for name, value in given.items() if value is not None}
    text = read_prompt(prompt)
    with opened(call, create=True) as project:
        tell_notices(call, project.loaded.notices)
        tell_files(call, project.workbench, text if agent is None else None)
        return asyncio.run(_start(project, text, Wish(runtime=runtime, model=model, common=common, key=key), call, wait=wait))


@commands.command(
    "resume",
    cls=Command,
    epilog="""
    abathur loop resume l3
    abathur loop resume l3 --max-iterations 40 --wait
    abathur loop resume l3 --max-iterations unlimited --timeout 8h
    """,
)
def resume(
    context: typer.Context,
    loop: Id,
    max_iterations: Most = None,
    timeout: Time = None,
    patience: Patience = None,
    budget: Budget = None,
    wait: Wait = False,
) -> int:
    """Let a loop that has ended go on after its last finished pass.

    No finished pass is made again. A limit that was reached has to be raised.
    """
    call = invocation(context)
    if patience is not None and patience < 1:
        raise ArgumentInvalid("--patience is a number of passes from 1 on.")
    limits = LoopLimits(
        _iterations(max_iterations),
        None if timeout is None else seconds(timeout, "--timeout"),
        patience,
        None if budget is None else dollars(budget, "--budget"),
    )
    with opened(call) as project:
        tell_notices(call, project.loaded.notices)
        return asyncio.run(_resume(project, loop, limits, call, wait=wait))


async def _start(project: Project, text: str, wish: Wish, call: Invocation, *, wait: bool) -> int:
    submitted = await _submitted(project, text, wish)
    series = await project.loop(submitted.root)
    more = told_again(call, wish.key, submitted.execution, again=submitted.again)
    return await _follow(project, submitted, series.loop, call, more, wait=wait)


async def _submitted(project: Project, text: str, wish: Wish) -> Submitted:
    key = key_of(wish, loop=text)
    for known in await submitted_with(project, key):
        return known
    plan = await project.plan(text, wish)
    if next(node for node in plan.nodes if node.id == plan.root).kind is not Kind.LOOP:
        raise ArgumentInvalid("That is no loop.", hint="Give a prompt, or run ABYSSAL commands with `abathur run`.")
    return await project.submit_plan(plan, wish, key=key)


async def _resume(project: Project, name: str, limits: LoopLimits, call: Invocation, *, wait: bool) -> int:
    task = await task_of(project, name)
    status = await project.resume_loop(task, limits)
    series = await project.loop(task)
    submitted = Submitted(series.execution, task, {})
    return await _follow(project, submitted, series.loop, call, {"status": str(status)}, wait=wait)


async def _follow(project: Project, submitted: Submitted, loop: int, call: Invocation, more: JsonObject, *, wait: bool) -> int:
    if wait:
        with Interrupts() as interrupts:
            return await follow_to_result(project, submitted, call, interrupts, tell=_tell)
    await (project.ensure_engine_for([submitted.execution]) if submitted.again else project.ensure_engine())
    if call.json:
        output.document({"execution": execution_name(submitted.execution), "loop": loop_name(loop)} | more)
    else:
        output.lines(loop_name(loop))
        if not call.quiet:
            output.note(f"It runs by itself. Follow it with `abathur loop watch {loop_name(loop)}`.")
    return Exit.DONE


async def _tell(project: Project, execution: int, call: Invocation) -> int:
    """The result as `abathur run` tells it; with `--json`, how the loop ended besides."""
    if not call.json:
        return await tell_result(project, execution, call)
    result = await project.result(execution)
    (series, *_) = [one for one in await project.loops() if one.execution == execution]
    output.document(result.data() | loop_data(await project.loop(series.task)) | {"passes": len(series.passes)})
    return exit_of(result)


def _criterion(written: Any, file: str | None, *, any_of: bool) -> JsonValue:
    """All that was given as one criterion; None where nothing was."""
    criteria: list[JsonValue] = list(written)
    if file is not None:
        criteria.append(_from_file(file))
    if not criteria:
        return None
    return {"any": criteria} if any_of and len(criteria) > 1 else criteria[0] if len(criteria) == 1 else criteria


def _from_file(name: str) -> JsonValue:
    text = read_file_or_input(name)
    try:
        value: Any = tomllib.loads(text) if Path(name).suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentInvalid(f"{name} is no {'TOML' if name.endswith('.toml') else 'JSON'}: {error}.") from error
    criteria: JsonValue = value["criteria"] if isinstance(value, dict) and set(value) == {"criteria"} else value
    return criteria


def _iterations(text: str | None) -> int | Literal["unlimited"] | None:
    if text is None or text == "unlimited":
        return "unlimited" if text else None
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000:
        return int(text)
    raise ArgumentInvalid(f"--max-iterations is a number from 1 to 10,000, or unlimited, not {text!r}.")


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ArgumentInvalid(f"{option} is a number, not {text!r}.") from error
