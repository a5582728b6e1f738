"""Instances, forks, and how one result is made of several."""

from dataclasses import replace

import pytest

from abathur_tui.domain import errors
from abathur_tui.domain.plan import ConflictRule, JoinSpec, JoinStrategy, JoinWish, Kind, Need, Plan
from abathur_tui.domain.templates import Nested, Nesting, TemplateKind
from abathur_tui.language import PlanContext
from abathur_tui.language.forms import plan_prompt, plan_template
from abathur_tui.language.joining import HOW_TO_VOTE
from tests.language.planned import is_tree, names, needs, node, only_mistake, planned
from tests.language.registry import CODE, SmallRegistry, template

FORK = template(
    "FORK",
    kind=TemplateKind.FORK,
    prompt="",
    nested=(Nested("one", "ASK", None, {"about": "{{ about }} one"}), Nested("two", "ASK", None, {"about": "{{ about }} two"}, required=False)),
)


def join(plan: Plan, name: str) -> JoinSpec:
    """The rule of the join of that name."""
    found = node(plan, name).join
    assert found is not None
    return found


def members(plan: Plan, name: str) -> list[str]:
    """The names of a join's members."""
    return needs(plan, name, Need.SETTLES)


def test_instances_of_one_node_meet_in_a_join_that_takes_the_best() -> None:
    plan = planned('ABYSSAL[ASK]("a", parallel=3)')

    assert names(plan) == ["BEST ASK a", "ASK a", "ASK a", "ASK a"]
    assert [(one.instance, one.instances) for one in plan.nodes] == [(1, 1), (1, 3), (2, 3), (3, 3)]
    assert (plan.root, join(plan, "BEST ASK a")) == ("n1", JoinSpec(JoinStrategy.BEST, 0.8))
    assert members(plan, "BEST ASK a") == ["ASK a"] * 3
    assert is_tree(plan)


@pytest.mark.parametrize("strategy", ["concatenate", "merge", "reduce", "vote", "best", "synthesize"])
def test_a_strategy_may_be_asked_for(strategy: str) -> None:
    plan = planned(f'ABYSSAL[ASK]("a", parallel=2, join="{strategy}")')

    assert join(plan, f"{strategy.upper()} ASK a").strategy == JoinStrategy(strategy)


def test_a_join_says_how_it_is_done() -> None:
    plan = planned('ABYSSAL[ASK]("a", parallel=2, join={strategy: "merge", conflicts: "majority", success_threshold: 0.5})')

    assert join(plan, "MERGE ASK a") == JoinSpec(JoinStrategy.MERGE, 0.5, conflicts=ConflictRule.MAJORITY)


def test_the_commands_time_limit_is_its_joins_as_well() -> None:
    plan = planned('ABYSSAL[ASK]("a", parallel=2, timeout="20s", join={command: "jq -s add"})')

    assert [one.timeout_seconds for one in plan.nodes] == [20, 20, 20]


def test_the_commands_retries_are_its_joins_as_well() -> None:
    plan = planned('ABYSSAL[ASK]("a", parallel=2, retries=0)')

    assert [one.retries for one in plan.nodes] == [0, 0, 0]


def test_a_command_reduces() -> None:
    plan = planned('ABYSSAL[ASK]("a", parallel=2, join={command: "jq -s add"})')

    assert join(plan, "REDUCE ASK a") == JoinSpec(JoinStrategy.REDUCE, 0.8, command="jq -s add")


def test_a_threshold_without_a_number_is_eighty_percent() -> None:
    plan = planned('ABYSSAL[ASK]("a", parallel=2, join={strategy: "synthesize", threshold: true, criteria: ["short"]})')

    assert join(plan, "SYNTHESIZE ASK a") == JoinSpec(JoinStrategy.SYNTHESIZE, 0.8, threshold=0.8, criteria=("short",))


def test_who_votes_is_told_how() -> None:
    assert all(one.prompt.endswith(HOW_TO_VOTE) for one in planned('ABYSSAL[ASK]("a", parallel=2, join="vote")').nodes[1:])


def test_parts_build_on_what_the_instances_come_to() -> None:
    plan = planned('ABYSSAL[CODE]("x", parallel=2)', SmallRegistry(replace(CODE, nesting=Nesting.PARTS)))

    assert names(plan) == ["JOIN CODE x", "BEST CODE x", "CODE x", "CODE x", "TEST x"]
    assert needs(plan, "TEST x") == ["BEST CODE x"]
    assert members(plan, "JOIN CODE x") == ["BEST CODE x", "TEST x"]
    assert join(plan, "JOIN CODE x") == JoinSpec(JoinStrategy.LEAD, 0.8, "n2", ("n2", "n5"))


def test_each_instance_waits_for_what_all_of_it_waits_for() -> None:
    plan = planned('a = ABYSSAL[ASK]("a")\nABYSSAL[ASK]("b", parallel=2, after=[a])\nABYSSAL[TEST](ABYSSAL[ASK]("c"), parallel=2)')

    by_id = {one.id: one for one in plan.nodes}
    waits = [(by_id[edge.node].name, by_id[edge.node].instance, by_id[edge.needs].name) for edge in plan.edges if edge.need is Need.NEEDS]
    assert waits == [("ASK b", 1, "ASK a"), ("ASK b", 2, "ASK a"), ("TEST ASK c", 1, "ASK c"), ("TEST ASK c", 2, "ASK c")]
    assert names(plan).count("ASK c") == 1


def test_another_statement_is_given_what_the_instances_come_to() -> None:
    plan = planned('a = ABYSSAL[ASK]("a", parallel=2, join="vote")\nABYSSAL[TEST](a)')

    assert needs(plan, "TEST ASK a") == ["VOTE ASK a"]


def test_what_a_command_takes_in_may_be_joined_first() -> None:
    plan = planned('b = ABYSSAL[ASK]("b")\nABYSSAL[TEST]("x", sources=[ABYSSAL[ASK]("a"), b, "c"], join="merge")')

    assert members(plan, "MERGE for TEST x") == ["ASK a", "ASK b"]
    assert needs(plan, "TEST x") == ["MERGE for TEST x"]
    assert node(plan, "TEST x").parameters["sources"] == ["ASK a", "ASK b", "c"]
    assert is_tree(plan)


def test_the_subject_is_no_member_of_it() -> None:
    plan = planned('ABYSSAL[TEST](ABYSSAL[ASK]("a"), sources=[ABYSSAL[ASK]("b")], join="synthesize")')

    assert members(plan, "SYNTHESIZE for TEST ASK a") == ["ASK b"]
    assert needs(plan, "TEST ASK a") == ["ASK a", "SYNTHESIZE for TEST ASK a"]


def test_a_join_over_nothing_changes_nothing() -> None:
    assert names(planned('ABYSSAL[ASK]("a", join="vote")')) == ["ASK a"]


def test_a_fork_has_no_step_of_its_own() -> None:
    plan = planned('ABYSSAL[FORK]("x")', SmallRegistry(FORK))

    assert names(plan) == ["JOIN FORK x", "ASK x one", "ASK x two"]
    assert join(plan, "JOIN FORK x") == JoinSpec(JoinStrategy.CONCATENATE, 0.8, required=("n2",))


def test_a_fork_joins_as_its_template_says_unless_the_command_says_otherwise() -> None:
    voting = SmallRegistry(replace(FORK, join=JoinWish(JoinStrategy.VOTE), success_threshold=0.5))

    assert join(planned('ABYSSAL[FORK]("x")', voting), "JOIN FORK x").strategy is JoinStrategy.VOTE
    assert join(planned('ABYSSAL[FORK]("x")', voting), "JOIN FORK x").success_threshold == 0.5
    said = planned('ABYSSAL[FORK]("x", join={strategy: "merge", success_threshold: 1})', voting)
    assert (join(said, "JOIN FORK x").strategy, join(said, "JOIN FORK x").success_threshold) == (JoinStrategy.MERGE, 1.0)


def test_instances_of_a_fork_are_all_of_it_several_times() -> None:
    plan = planned('ABYSSAL[FORK]("x", parallel=2, join="vote")', SmallRegistry(replace(FORK, join=JoinWish(JoinStrategy.MERGE))))

    assert names(plan) == ["VOTE JOIN FORK x", *["JOIN FORK x", "ASK x one", "ASK x two"] * 2]
    assert [one.instance for one in plan.nodes if one.kind is Kind.AGENT] == [1, 1, 2, 2]
    assert [one.join.strategy for one in plan.nodes if one.join] == [JoinStrategy.VOTE, JoinStrategy.MERGE, JoinStrategy.MERGE]
    assert is_tree(plan)


def test_a_templates_join_is_that_of_its_instances_where_nothing_is_nested() -> None:
    registry = SmallRegistry(template("POLL", join=JoinWish(JoinStrategy.VOTE)))

    assert names(planned('ABYSSAL[POLL]("x", parallel=2)', registry))[0] == "VOTE POLL x"


def test_the_success_threshold_is_the_settings_unless_somebody_says_otherwise() -> None:
    plan = planned('ABYSSAL[ASK]("a", parallel=2)', context=PlanContext(environ={}, success_threshold=0.3))

    assert join(plan, "BEST ASK a").success_threshold == 0.3


def test_templates_pass_instances_on() -> None:
    outer = template("OUTER", nested=(Nested("poll", "ASK", None, {"about": "x", "parallel": 2, "join": "vote"}),))

    assert "VOTE ASK x" in names(planned('ABYSSAL[OUTER]("y")', SmallRegistry(outer)))


def test_no_template_names_a_command_that_joins() -> None:
    outer = template("OUTER", nested=(Nested("poll", "ASK", None, {"about": "x", "parallel": 2, "join": {"command": "touch sprung"}}),))

    assert only_mistake('ABYSSAL[OUTER]("y")', SmallRegistry(outer)).code == "ABTH-ERR-118"


@pytest.mark.parametrize(
    ("given", "message", "suggestion"),
    [
        ('join="lead"', "`join` takes concatenate, merge, reduce, vote, best or synthesize", None),
        ("join=3", "`join` takes concatenate", None),
        ('join={strategy: "vot"}', "`join.strategy` takes concatenate", 'did you mean "vote"?'),
        ('join={rule: "newest"}', "`join` takes no `rule`", "it takes strategy, success_threshold, conflicts, command, threshold, criteria"),
        ('join={conflict: "newest"}', "`join` takes no `conflict`", 'did you mean "conflicts"?'),
        ('join={strategy: "merge", conflicts: "oldest"}', "`join.conflicts` takes priority, majority, newest, judge or ask", None),
        ('join={strategy: "vote", conflicts: "newest"}', "`join.conflicts` has no effect with the vote", "leave it out"),
        ('join={strategy: "merge", command: "cat"}', "`join.command` has no effect with the merge", "leave it out"),
        ('join={strategy: "best", threshold: 0.5}', "`join.threshold` has no effect with the best", "leave it out"),
        ('join={strategy: "reduce", command: ""}', "`join.command` takes a shell command as text", 'command: "jq -s add"'),
        ("join={success_threshold: 80}", "`join.success_threshold` takes a number from 0 to 1", None),
        ('join={strategy: "best", criteria: []}', "`join.criteria` takes texts", 'criteria: ["correct", "short"]'),
        ("parallel=1.5", "`parallel` takes a number of instances from 1 on", None),
    ],
)
def test_mistakes_in_it_are_told(given: str, message: str, suggestion: str | None) -> None:
    detail = only_mistake(f'ABYSSAL[ASK]("a", {given})')

    assert detail.message.startswith(message)
    assert (detail.code, detail.suggestion) == ("ABTH-ERR-115", suggestion)


def test_a_person_may_be_the_one_who_decides() -> None:
    plan = planned('ABYSSAL[ASK]("a", parallel=2, join={strategy: "merge", conflicts: "ask"})')
    assert [node.join.conflicts for node in plan.nodes if node.join is not None] == [ConflictRule.ASK]


def test_a_command_that_joins_is_written_out() -> None:
    detail = only_mistake('ABYSSAL[ASK]("a", join={command: env("CMD")})', context=PlanContext(environ={"CMD": "touch sprung"}))

    assert (detail.code, detail.column) == ("ABTH-ERR-118", 34)


def test_too_many_instances_are_over_the_limit() -> None:
    with pytest.raises(errors.OverLimit):
        planned('ABYSSAL[ASK]("a", parallel=100000)')
    with pytest.raises(errors.OverLimit):
        plan_prompt("a", SmallRegistry(), PlanContext(environ={}), common={"parallel": 10_000_000})


def test_a_prompt_may_have_instances_too() -> None:
    plan = plan_prompt("Yes or no?", SmallRegistry(), PlanContext(environ={}), common={"parallel": 3, "join": {"strategy": "vote"}, "priority": 8})

    assert names(plan) == ["VOTE Yes or no?", *["Yes or no?"] * 3]
    assert [one.priority for one in plan.nodes] == [8] * 4
    assert join(plan, "VOTE Yes or no?").strategy is JoinStrategy.VOTE
    assert plan.root == "n1"
    assert is_tree(plan)


def test_a_form_may_ask_for_instances() -> None:
    plan = plan_template("ASK", {"about": "a"}, SmallRegistry(), PlanContext(environ={}), common={"parallel": 2})

    assert names(plan) == ["BEST ASK a", "ASK a", "ASK a"]
    assert planned(plan.source) == plan


def test_what_a_join_asks_of_agents_is_in_the_estimate() -> None:
    def seconds(join: str) -> float:
        return planned(f'ABYSSAL[ASK]("a", parallel=5, join={join})').estimate.seconds

    assert [seconds(join) for join in ('"vote"', '"best"', '"reduce"', '{command: "cat"}', '{strategy: "synthesize", threshold: true}')] == [
        10.0,
        40.0,
        100.0,
        10.0,
        70.0,
    ]
    assert planned('ABYSSAL[ASK]("a", parallel=5)').estimate.cost_usd is None
