"""Joins that put results together, or let one of them lead."""

from collections.abc import Callable
from dataclasses import replace

from abathur_tui.domain.conversation import FailureKind, TurnRequest
from abathur_tui.domain.errors import ApiRefused
from abathur_tui.domain.plan import ConflictRule, JoinStrategy
from abathur_tui.domain.status import Status
from abathur_tui.storage import queue
from tests.engine.bench import Bench, join_node, node, settles
from tests.engine.joins.team import answering, report, team
from tests.scripted import Say, Script, Step

ONE = "### `src/app.py`\n\n```python\nport = 80\nhost = 'a'\n```\n"
TWO = "### `src/app.py`\n\n```python\nport = 90\nhost = 'a'\n```\n"


async def test_members_stand_one_after_the_other_under_their_names(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.CONCATENATE, "one", "two", instances=False)
    await project.drain()

    assert project.result(join) == "## n1\n\none\n\n## n2\n\ntwo"
    assert report(project, join)["account"] == "2 results, one after the other"


async def test_instances_are_told_apart(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.CONCATENATE, "one", "two")
    await project.drain()

    assert project.result(join) == "## n1 (1 of 2)\n\none\n\n## n2 (2 of 2)\n\ntwo"


async def test_a_member_that_is_a_join_is_called_by_what_it_joins(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    lead, best = replace(join_node("lead"), name="JOIN CODE a"), replace(join_node("best"), name="BEST TEST b")
    edges = (*settles("lead", "n1"), *settles("best", "n2"), *settles("all", "lead", "best"))
    *_, whole = project.submit(node("n1", "one"), node("n2", "two"), lead, best, join_node("all"), edges=edges)
    await project.drain()

    assert project.result(whole) == "## CODE a\n\none\n\n## TEST b\n\ntwo"


async def test_a_single_member_needs_no_heading(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.CONCATENATE, "one", instances=False)
    await project.drain()

    assert project.result(join) == "one"


async def test_the_leads_output_is_the_joins(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    first, _, join = project.submit(node("n1", "brief"), node("n2", "part"), join_node("all", lead="n1"), edges=settles("all", "n1", "n2"))
    await project.drain()

    assert project.result(join) == "brief"
    assert report(project, join)["contributions"] == [
        {"task": first, "used": True, "note": "the result"},
        {"task": first + 1, "used": False, "note": "a part beside the result"},
    ]


async def test_lines_of_one_file_that_differ_are_listed(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    first, second, join = team(project, JoinStrategy.CONCATENATE, ONE, TWO, instances=False)
    await project.drain()

    assert report(project, join)["conflicts"] == [
        {
            "kind": "lines",
            "where": "src/app.py:1",
            "values": [{"value": "port = 80\n", "members": [first]}, {"value": "port = 90\n", "members": [second]}],
            "rule": "",
            "settled": None,
            "reason": "",
        }
    ]


async def test_different_tasks_may_state_different_values_for_one_key(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.CONCATENATE, '{"name": "a"}', '{"name": "b"}', instances=False)
    *_, same = team(project, JoinStrategy.CONCATENATE, '{"name": "a"}', '{"name": "b"}')
    await project.drain()

    assert report(project, join)["conflicts"] == []
    assert [one["where"] for one in report(project, same)["conflicts"]] == ["name"]  # type: ignore[attr-defined]


async def test_a_rule_settles_them_below_the_results(bench: Callable[[Script], Bench]) -> None:
    project = bench(answering())
    *_, join = team(project, JoinStrategy.CONCATENATE, '{"name": "a"}', '{"name": "b"}', priorities=(3, 8), conflicts=ConflictRule.PRIORITY)
    await project.drain()

    assert (project.result(join) or "").endswith("## Conflicts\n\n- name: b (by priority: t2 has the highest priority)")


async def test_a_join_that_failed_comes_back_with_a_retried_member(bench: Callable[[Script], Bench]) -> None:
    broken = True

    def script(request: TurnRequest) -> list[Step]:
        return [ApiRefused("no such model", kind=FailureKind.PERMANENT)] if broken and "bad" in request.messages[0].text else [Say("fine")]

    project = bench(script)
    _, bad, join = project.submit(node("n1", "good"), node("n2", "bad"), join_node("all"), edges=settles("all", "n1", "n2"))
    await project.drain()
    assert project.task(join).status is Status.FAILED
    assert project.task(join).error is not None

    broken = False
    project.database.write_now(queue.retry, [bad], "user", 1.0)
    await project.drain()

    assert project.task(join).status is Status.COMPLETED
