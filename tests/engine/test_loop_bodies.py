"""Loops whose passes are several tasks: all of them made anew in each pass, told how the loop stands, and none of them twice."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from abathur_tui import language
from abathur_tui.domain.conversation import TurnRequest
from abathur_tui.domain.errors import AbathurError, CommandFailed
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.journal import LoopSeries
from abathur_tui.domain.loops import EndedBecause
from abathur_tui.domain.status import ENDED, Status
from abathur_tui.domain.templates import Nested, Nesting, TemplateKind
from abathur_tui.engine.equipment import Manner
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import queue, views
from tests.engine.bench import Bench
from tests.engine.test_loop_killed import Dying
from tests.language.registry import SmallRegistry, template
from tests.scripted import Call, Say, Script, Step, Wait
from tests.waiting import eventually_async

Make = Callable[[Script], Bench]

CRITERION = 'criterion="n>={}: echo $ABATHUR_PASS"'


REGISTRY = SmallRegistry(
    template("OPEN", extra=True),
    template("BRIEF", extra=True, nesting=Nesting.PARTS),
    template(
        "BOTH", kind=TemplateKind.FORK, nested=(Nested("a", "ASK", parameters={"about": "left"}), Nested("b", "ASK", parameters={"about": "right"}))
    ),
)


def submit(project: Bench, text: str) -> int:
    """Queue a document; the task of its root."""
    plan = language.plan(text, REGISTRY, language.PlanContext(environ={}))
    return project.database.write_now(queue.submit, plan, SubmitOptions(project.choice), 1.0).root


def series(project: Bench) -> LoopSeries:
    [loop, *_] = project.database.read_now(views.loops)
    return loop


class Recording:
    """Answers with the first line of the prompt and how often that was asked, and keeps the prompts."""

    def __init__(self) -> None:
        self.prompts: dict[str, list[str]] = {}

    def __call__(self, request: TurnRequest) -> list[Step]:
        prompt = request.messages[0].text
        first = prompt.splitlines()[0]
        asked = self.prompts.setdefault(first, [])
        asked.append(prompt)
        return [Say(f"<{first} {len(asked)}>")]


async def test_what_is_written_in_a_loop_is_done_anew_in_each_pass_and_feeds_it(bench: Make) -> None:
    agents = Recording()
    project = bench(agents)
    root = submit(project, f'ABYSSAL[OPEN]("main", {CRITERION.format(3)}, hints=[ABYSSAL[ASK]("one"), ABYSSAL[ASK]("two")])')

    await project.drain()

    loop = series(project)
    assert (project.task(root).status, loop.ended_because, len(loop.passes)) == (Status.COMPLETED, EndedBecause.CONVERGED, 3)
    assert {first: len(asked) for first, asked in agents.prompts.items()} == {"main": 3, "one": 3, "two": 3}
    assert [done.output for done in loop.passes] == ["<main 1>", "<main 2>", "<main 3>"]
    assert "<one 2>" in agents.prompts["main"][1]
    assert "<two 2>" in agents.prompts["main"][1]
    member = agents.prompts["one"][1]
    assert "# Pass 2: improve on what there is" in member
    assert "The last verdict: continue. n 1 is not yet >= 3" in member
    assert "<main 1>" in member
    assert "Your work is a part of this pass" in member
    assert "Start from the best output" in agents.prompts["main"][1]
    assert [done.tokens_input for done in loop.passes] == [30, 30, 30]
    assert loop.passes[0].cost_usd == pytest.approx(0.03)


async def test_what_follows_the_step_is_done_in_each_pass_and_the_next_one_hears_of_it(bench: Make) -> None:
    agents = Recording()
    project = bench(agents)
    submit(project, f'ABYSSAL[BRIEF]("main", {CRITERION.format(2)}, parts=[ABYSSAL[ASK]("review")])')

    await project.drain()

    loop = series(project)
    assert [done.output for done in loop.passes] == ["<main 1>", "<main 2>"]
    assert {first: len(asked) for first, asked in agents.prompts.items()} == {"main": 2, "review": 2}
    assert "<main 1>" in agents.prompts["review"][0]
    assert "<main 2>" in agents.prompts["review"][1]
    assert "## What ASK review said of it\n\n<review 1>" in agents.prompts["main"][1]


async def test_a_fork_is_a_pass_and_its_join_is_the_output(bench: Make) -> None:
    agents = Recording()
    project = bench(agents)
    root = submit(project, f'ABYSSAL[BOTH]("x", {CRITERION.format(2)})')

    await project.drain()

    assert project.task(root).status is Status.COMPLETED
    assert "<left 2>" in (project.result(root) or "")
    assert "<right 2>" in (project.result(root) or "")
    assert "<left 1>" in agents.prompts["right"][1]


async def test_what_a_loop_builds_on_was_made_before_it_once_and_reaches_every_pass(bench: Make) -> None:
    agents = Recording()
    project = bench(agents)
    text = f'a = ABYSSAL[ASK]("named")\nABYSSAL[OPEN](ABYSSAL[ASK]("subject"), {CRITERION.format(2)}, hint=ABYSSAL[ASK]("hint", after=[a]), b=a)'
    root = submit(project, text)

    await project.drain()

    assert project.task(root).status is Status.COMPLETED
    assert {first: len(asked) for first, asked in agents.prompts.items()} == {"named": 1, "subject": 1, "hint": 2, "<subject 1>": 2}
    for number, prompt in enumerate(agents.prompts["<subject 1>"], 1):
        assert "<named 1>" in prompt
        assert f"<hint {number}>" in prompt


async def test_a_loop_inside_a_loop_begins_anew_in_each_pass(bench: Make) -> None:
    agents = Recording()
    project = bench(agents)
    inner = f'ABYSSAL[OPEN]("inner", {CRITERION.format(2)}, z=ABYSSAL[ASK]("deep"))'
    root = submit(project, f'ABYSSAL[OPEN]("outer", {CRITERION.format(2)}, x={inner})')

    await project.drain()

    assert project.task(root).status is Status.COMPLETED
    assert {first: len(asked) for first, asked in agents.prompts.items()} == {"outer": 2, "inner": 4, "deep": 4}
    loops = project.database.read_now(views.loops)
    assert [(loop.ended_because, len(loop.passes)) for loop in loops] == [(EndedBecause.CONVERGED, 2)] * 3


async def test_it_makes_progress_with_one_slot(bench: Make) -> None:
    project = bench(Recording())
    project.settings = project.settings.model_copy(update={"swarm": Swarm(max_agents=1)})
    roots = [submit(project, f'ABYSSAL[OPEN]("m{number}", {CRITERION.format(2)}, x=ABYSSAL[ASK]("a{number}"))') for number in range(3)]

    await project.drain()

    assert {project.task(root).status for root in roots} == {Status.COMPLETED}


async def test_a_member_that_fails_ends_the_loop_and_is_made_again_when_it_is_resumed(bench: Make) -> None:
    agents = Recording()
    broken = [True]

    def script(request: TurnRequest) -> list[Step]:
        if request.messages[0].text.startswith("one") and "# Pass 2" in request.messages[0].text and broken:
            return [CommandFailed("broken")]
        return agents(request)

    project = bench(script)
    root = submit(project, f'ABYSSAL[OPEN]("main", {CRITERION.format(2)}, hints=[ABYSSAL[ASK]("one"), ABYSSAL[ASK]("two")])')
    await project.drain()

    loop = series(project)
    assert (loop.ended_because, len(loop.passes), project.result(root)) == (EndedBecause.FAILED, 1, "<main 1>")
    broken.clear()
    project.write(lambda c, now: queue.resume_loop(c, root, queue.LoopLimits(), 3600.0, "user", now))
    await project.drain()

    assert project.task(root).status is Status.COMPLETED
    assert {first: len(asked) for first, asked in agents.prompts.items()} == {"main": 2, "one": 2, "two": 2}


async def test_a_cancelled_loop_takes_all_of_its_pass_with_it_and_takes_it_up_again(bench: Make) -> None:
    go = asyncio.Event()
    agents = Recording()

    def script(request: TurnRequest) -> list[Step]:
        waits = request.messages[0].text.startswith("one") and not go.is_set()
        return [Wait(go), Say("late")] if waits else agents(request)

    project = bench(script)
    root = submit(project, f'ABYSSAL[OPEN]("main", {CRITERION.format(1)}, hints=[ABYSSAL[ASK]("one"), ABYSSAL[ASK]("two")])')
    async with project.running():
        await eventually_async(lambda: "two" in agents.prompts and project.runtime.active == 1)
        project.write(lambda c, now: queue.cancel(c, [root], "user", "", now))
        await project.until(root, Status.CANCELLED)
        await eventually_async(lambda: all(task.status in ENDED for task in project.database.read_now(views.members, project.task(root).execution)))
        statuses = {task.name: task.status for task in project.database.read_now(views.members, project.task(root).execution)}
        assert statuses["ASK one"] is Status.CANCELLED

        go.set()
        project.write(lambda c, now: queue.resume_loop(c, root, queue.LoopLimits(), 3600.0, "user", now))
        await project.until(root, Status.COMPLETED)
    assert {first: len(asked) for first, asked in agents.prompts.items()} == {"main": 1, "one": 1, "two": 1}


async def test_the_budget_of_a_loop_counts_all_of_its_members(bench: Make) -> None:
    project = bench(Recording())
    submit(project, f'ABYSSAL[OPEN]("main", {CRITERION.format(9)}, budget=0.07, hints=[ABYSSAL[ASK]("one"), ABYSSAL[ASK]("two")])')

    await project.drain()

    assert (series(project).ended_because, len(series(project).passes)) == (EndedBecause.BUDGET, 2)


async def test_a_metric_that_the_own_step_reports_counts(bench: Make) -> None:
    def script(request: TurnRequest) -> list[Step]:
        if request.messages[0].text.startswith("main") and len(request.messages) == 1:
            return [Call("report_metric", {"name": "n", "value": 7})]
        return [Say("x")]

    project = bench(script)
    root = submit(project, 'ABYSSAL[BRIEF]("main", criterion="n>=5", parts=[ABYSSAL[ASK]("one")])')

    await project.drain()

    assert project.task(root).status is Status.COMPLETED
    assert series(project).passes[0].metrics == {"n": 7.0}


async def test_wherever_the_engine_dies_finished_members_are_not_done_again(bench: Make) -> None:
    agents = Recording()
    project = bench(agents)
    project.gone_seconds = 0.05
    deaths = 0
    for writes in range(2, 90, 3):
        agents.prompts.clear()
        root = submit(project, f'ABYSSAL[OPEN]("main", {CRITERION.format(2)}, hints=[ABYSSAL[ASK]("one"), ABYSSAL[ASK]("two")])')
        database = Dying.open(project.data)
        assert isinstance(database, Dying)
        database.left = writes
        with contextlib.suppress(AbathurError):
            async with asyncio.timeout(30):
                await project.engine(Manner(drain=True), database).run()
        database.close()
        died = project.task(root).status is not Status.COMPLETED
        deaths += died

        await project.drain()

        loop = project.database.read_now(views.loop, root)
        assert (project.task(root).status, len(loop.passes)) == (Status.COMPLETED, 2), writes
        assert len(project.database.read_now(views.members, project.task(root).execution)) == 7, writes
        # Six answers, and at most those once more that were being given at that moment.
        assert sum(map(len, agents.prompts.values())) <= 8, writes
        if not died:
            break
    assert deaths > 4
