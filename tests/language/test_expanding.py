"""From commands to tasks: what is nested where, what waits for what, and whose result is the execution's."""

from dataclasses import replace

from abathur_tui.domain.criteria import AllOf, AnyOf, Direction, JudgeCriterion, PassingTestsCriterion, StabilityCriterion, ThresholdCriterion
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.plan import JoinStrategy, Kind, Need, OnFailure, Reference
from abathur_tui.domain.templates import Nested, Nesting, Parameter, ParameterKind, TemplateKind
from abathur_tui.language import PlanContext
from abathur_tui.language.criteria import USUAL_RUBRIC
from tests.language.planned import is_tree, names, needs, node, only_mistake, planned
from tests.language.registry import ASK, CODE, PARTS, SmallRegistry, template


def test_one_plain_command_is_the_root_itself() -> None:
    plan = planned(
        """ABYSSAL[ASK]("why?", priority="high", tags=["a", "b"], timeout="2h", retries=1, on_failure="skip", expires=90, model="m",
        agent="code_generator")"""
    )

    (only,) = plan.nodes
    assert (only.id, plan.root, only.parent, only.depth, plan.edges) == ("n1", "n1", None, 1, ())
    assert (only.name, only.kind, only.template, only.template_version) == ("ASK why?", Kind.AGENT, "ASK", "1.0.0")
    assert (only.priority, only.tags, only.timeout_seconds, only.retries) == (8, ("abyssal", "ASK", "a", "b"), 7200, 1)
    assert (only.on_failure, only.expires_in_seconds, only.model, only.agent) == (OnFailure.SKIP, 90, "m", "code-generator")
    assert (only.prompt, only.parameters) == ("{{ about }}", {"about": "why?"})


def test_a_pinned_version_is_taken() -> None:
    assert planned('ABYSSAL[ASK@0.9.0]("why?")').nodes[0].template_version == "0.9.0"


def test_the_last_object_without_a_name_is_a_set_of_named_parameters() -> None:
    one = planned('ABYSSAL[TEST]("x", {"language": "go", priority: 3, note: "n"}, strict=true)').nodes[0]
    two = planned('ABYSSAL[TEST]("x", language="go", priority=3, note="n", strict=true)').nodes[0]

    assert one == two
    assert planned('ABYSSAL[TEST]({target: "x"})').nodes[0].parameters["target"] == "x"


def test_values_without_names_fill_the_declared_parameters_in_order() -> None:
    assert planned('ABYSSAL[CODE]("x", "go", "terse")').nodes[1].parameters == {"component": "x", "language": "go", "style": "terse"}


def test_declared_parameters_are_all_there_with_their_defaults_then_the_undeclared_ones() -> None:
    parameters = planned('ABYSSAL[CODE](later="z", component="x")').nodes[1].parameters

    assert list(parameters.items()) == [("component", "x"), ("language", None), ("style", "plain"), ("later", "z")]


def test_nested_commands_come_first_and_their_results_stand_where_they_were_written() -> None:
    plan = planned('ABYSSAL[TEST](ABYSSAL[ASK]("a"), settings={deep: ["x", ABYSSAL[ASK]("b")]}, "odd/key"=1)'.replace(', "odd/key"=1', ""))

    assert names(plan) == ["TEST ASK a", "ASK a", "ASK b"]
    assert is_tree(plan)
    assert needs(plan, "TEST ASK a") == ["ASK a", "ASK b"]
    root = plan.nodes[0]
    assert root.references == (Reference("/target", "n2"), Reference("/settings/deep/1", "n3"))
    assert root.parameters["settings"] == {"deep": ["x", None]}
    assert [one.depth for one in plan.nodes] == [1, 2, 2]
    assert [one.parent for one in plan.nodes] == [None, "n1", "n1"]


def test_parts_follow_the_step_and_a_join_is_what_others_see() -> None:
    plan = planned('p = ABYSSAL[PARTS]("platform", parts=[ABYSSAL[ASK]("a"), "b", ABYSSAL[ASK]("c")]) ABYSSAL[TEST](p)')

    assert names(plan) == ["JOIN of 1 result", "JOIN PARTS platform", "PARTS platform", "ASK a", "ASK c", "TEST PARTS platform"]
    assert is_tree(plan)
    step, face = node(plan, "PARTS platform"), node(plan, "JOIN PARTS platform")
    assert step.parameters["parts"] == ["ASK a", "b", "ASK c"]
    assert step.references == ()
    assert needs(plan, "ASK a") == needs(plan, "ASK c") == ["PARTS platform"]
    assert needs(plan, "JOIN PARTS platform", Need.SETTLES) == ["PARTS platform", "ASK a", "ASK c"]
    assert face.join is not None
    assert (face.join.strategy, face.join.lead, face.join.required) == (JoinStrategy.LEAD, step.id, (step.id,))
    assert needs(plan, "TEST PARTS platform") == ["JOIN PARTS platform"]
    assert (face.template, face.agent, face.prompt) == (None, None, "")


def test_parts_that_have_inputs_of_their_own_follow_as_a_whole() -> None:
    plan = planned('ABYSSAL[PARTS]("platform", parts=[ABYSSAL[TEST](ABYSSAL[ASK]("a"))])')

    assert needs(plan, "ASK a") == ["PARTS platform"]
    assert needs(plan, "TEST ASK a") == ["ASK a", "PARTS platform"]


def test_a_command_in_the_subject_comes_first_in_any_case() -> None:
    plan = planned('ABYSSAL[PARTS](ABYSSAL[ASK]("a"))')

    assert names(plan) == ["PARTS ASK a", "ASK a"]
    assert needs(plan, "PARTS ASK a") == ["ASK a"]


def test_a_template_brings_its_nested_templates_along() -> None:
    plan = planned('ABYSSAL[CODE]("gateway", language="go", priority=9, tags=["t"], model="m")')

    assert names(plan) == ["JOIN CODE gateway", "CODE gateway", "TEST gateway"]
    assert is_tree(plan)
    tests = node(plan, "TEST gateway")
    assert (tests.parameters["target"], tests.parameters["language"], tests.priority, tests.model) == ("gateway", "go", 9, "m")
    assert tests.tags == ("abyssal", "TEST", "t")
    assert needs(plan, "TEST gateway") == ["CODE gateway"]
    join = plan.nodes[0].join
    assert join is not None
    assert set(join.required) == {"n2", "n3"}


def test_a_result_is_passed_on_to_what_a_template_nests() -> None:
    plan = planned('ABYSSAL[CODE](ABYSSAL[ASK]("which?"))')

    assert names(plan) == ["JOIN CODE ASK which?", "CODE ASK which?", "ASK which?", "TEST ASK which?"]
    assert node(plan, "TEST ASK which?").references == (Reference("/target", "n3"),)
    assert needs(plan, "TEST ASK which?") == ["ASK which?", "CODE ASK which?"]


def test_templates_that_feed_a_prompt_come_before_it_in_their_own_order() -> None:
    study = template(
        "STUDY",
        nested=(
            Nested("facts", "ASK", parameters={"about": "facts of {{ about }}"}),
            Nested("doubts", "ASK", parameters={"about": "doubts of {{ about }}"}, depends_on=("facts",), required=False),
            Nested("review", "ASK", parameters={"about": "review of {{ about }}"}, depends_on=("STUDY", "doubts")),
        ),
    )
    plan = planned('ABYSSAL[STUDY]("x")', SmallRegistry(study))

    assert needs(plan, "STUDY x") == ["ASK facts of x", "ASK doubts of x"]
    assert needs(plan, "ASK doubts of x") == ["ASK facts of x"]
    assert set(needs(plan, "ASK review of x")) == {"ASK doubts of x", "STUDY x"}
    assert needs(plan, "JOIN STUDY x", Need.SETTLES) == ["STUDY x", "ASK review of x"]


def test_a_fork_has_no_step_and_joins_what_stands_side_by_side() -> None:
    fork = template(
        "FORK",
        kind=TemplateKind.FORK,
        success_threshold=0.5,
        nested=(Nested("a", "ASK", parameters={"about": "a {{ about }}"}), Nested("b", "ASK", parameters={"about": "b {{ about }}"}, required=False)),
    )
    plan = planned('ABYSSAL[FORK]("x")', SmallRegistry(fork))

    assert names(plan) == ["JOIN FORK x", "ASK a x", "ASK b x"]
    join = plan.nodes[0].join
    assert join is not None
    assert (join.strategy, join.success_threshold, join.lead, join.required) == (JoinStrategy.CONCATENATE, 0.5, None, ("n2",))
    assert needs(plan, "JOIN FORK x", Need.SETTLES) == ["ASK a x", "ASK b x"]


def test_several_statements_end_in_a_join_of_those_whose_results_nobody_uses() -> None:
    plan = planned(
        'a = ABYSSAL[ASK]("a") ABYSSAL[TEST](a) b = ABYSSAL[ASK]("b") ABYSSAL[ASK]("c", after=b, priority=9)',
        context=PlanContext(success_threshold=0.6),
    )

    assert names(plan) == ["JOIN of 3 results", "ASK a", "TEST ASK a", "ASK b", "ASK c"]
    assert is_tree(plan)
    assert needs(plan, "JOIN of 3 results", Need.SETTLES) == ["TEST ASK a", "ASK b", "ASK c"]
    root = plan.nodes[0]
    assert root.join is not None
    assert (root.join.success_threshold, root.depth, root.priority, root.tags) == (0.6, 0, 9, ("abyssal",))
    assert plan.levels() == [["n2", "n4"], ["n3", "n5"], ["n1"]]


def test_a_name_may_be_used_before_it_is_bound() -> None:
    plan = planned('ABYSSAL[TEST](later) later = ABYSSAL[ASK]("x")')

    assert needs(plan, "TEST ASK x") == ["ASK x"]
    assert names(plan) == ["JOIN of 1 result", "TEST ASK x", "ASK x"]


def test_after_makes_all_of_a_command_wait() -> None:
    plan = planned('a = ABYSSAL[CODE]("a") ABYSSAL[TEST](ABYSSAL[ASK]("in"), after=[a, ABYSSAL[ASK]("inline")])')

    assert needs(plan, "TEST ASK in") == ["ASK in", "JOIN CODE a", "ASK inline"]
    assert needs(plan, "ASK in") == ["JOIN CODE a", "ASK inline"]
    assert needs(plan, "ASK inline") == []
    assert is_tree(plan)


def test_sequential_children_run_in_written_order_each_after_the_one_before() -> None:
    plan = planned('ABYSSAL[TEST]("x", mode="sequential", steps=[ABYSSAL[ASK]("a"), ABYSSAL[TEST](ABYSSAL[ASK]("b")), ABYSSAL[ASK]("c")])')

    assert needs(plan, "ASK b") == ["ASK a"]
    assert needs(plan, "TEST ASK b") == ["ASK b", "ASK a"]
    assert needs(plan, "ASK c") == ["TEST ASK b"]
    assert needs(plan, "TEST x") == ["ASK a", "TEST ASK b", "ASK c"]


def test_sequential_parts_run_one_after_the_other_behind_the_step() -> None:
    plan = planned('ABYSSAL[PARTS]("x", mode="sequential", parts=[ABYSSAL[ASK]("a"), ABYSSAL[ASK]("b")])')

    assert needs(plan, "ASK a") == ["PARTS x"]
    assert needs(plan, "ASK b") == ["PARTS x", "ASK a"]


def test_priority_model_and_tags_are_passed_on_to_what_is_nested_unless_it_says_otherwise() -> None:
    plan = planned('ABYSSAL[TEST](ABYSSAL[ASK]("a"), given=[ABYSSAL[ASK]("b", priority=1, model="n")], priority=9, model="m", tags="t", timeout=5)')

    a, b = node(plan, "ASK a"), node(plan, "ASK b")
    assert (a.priority, a.model, a.tags, a.timeout_seconds) == (9, "m", ("abyssal", "ASK", "t"), None)
    assert (b.priority, b.model) == (1, "n")


def test_a_failure_that_is_to_be_skipped_is_skipped_as_a_whole() -> None:
    plan = planned('ABYSSAL[CODE]("x", on_failure="skip")')

    assert [one.on_failure for one in plan.nodes] == [OnFailure.SKIP, OnFailure.RETRY, OnFailure.RETRY]


def test_the_parts_of_a_command_can_be_concatenated() -> None:
    join = planned('ABYSSAL[CODE]("x", join="concatenate")').nodes[0].join

    assert join is not None
    assert (join.strategy, join.lead) == (JoinStrategy.CONCATENATE, None)


def test_a_loop_template_makes_a_loop() -> None:
    plan = planned('ABYSSAL[LOOP]("parser", metric="ms", target=50, measure="./bench", direction="minimize", priority=3)')

    (loop,) = plan.nodes
    assert loop.kind is Kind.LOOP
    assert loop.loop == LoopSpec(ThresholdCriterion("ms", 50.0, Direction.MINIMIZE, "./bench"), 10)
    assert loop.parameters == {"about": "parser", "metric": "ms", "measure": "./bench", "direction": "minimize", "target": 50}


def test_any_command_with_a_measure_is_a_loop() -> None:
    plan = planned('ABYSSAL[ASK]("parser", metric="passed", target=12, measure="pytest", direction="maximize", max_iterations=3)')

    assert plan.nodes[0].loop == LoopSpec(ThresholdCriterion("passed", 12.0, Direction.MAXIMIZE, "pytest"), 3)
    assert plan.nodes[0].parameters == {"about": "parser"}


def test_a_loop_without_a_measure_goes_by_a_judge() -> None:
    assert planned('ABYSSAL[LOOP]("x")').nodes[0].loop == LoopSpec(JudgeCriterion(USUAL_RUBRIC, 0.9), 10)
    assert planned('ABYSSAL[LOOP]("x", rubric="short", target=0.8)').nodes[0].loop == LoopSpec(JudgeCriterion("short", 0.8), 10)


def test_what_a_loop_lacks_is_told() -> None:
    assert only_mistake('ABYSSAL[LOOP]("x", target=3)').code == "ABTH-ERR-115"
    assert only_mistake('ABYSSAL[LOOP]("x", measure="./m", metric="ms", direction="minimize")').code == "ABTH-ERR-113"
    assert only_mistake('ABYSSAL[LOOP]("x", measure="./m", metric="ms", target=3)').code == "ABTH-ERR-113"
    assert only_mistake('ABYSSAL[LOOP]("x", measure="./m", metric="ms", target=3, direction="down")').code == "ABTH-ERR-115"
    assert only_mistake('ABYSSAL[LOOP]("x", measure=file("m"), metric="ms", target=3, direction="minimize")').code == "ABTH-ERR-118"
    assert only_mistake('ABYSSAL[LOOP]("x", criterion=[{type: "custom", command: file("m")}])').code == "ABTH-ERR-118"
    assert only_mistake('ABYSSAL[LOOP]("x", criterion="tset_pass: make")').code == "ABTH-ERR-115"


def test_criteria_are_combined_in_the_language() -> None:
    text = 'ABYSSAL[LOOP]("x", criterion=["ms<=5: ./m", {any: ["test_pass: make test", {type: "llm_judge", target: 0.8, rubric: "short"}]}])'

    assert planned(text).nodes[0].loop == LoopSpec(
        AllOf(
            (
                ThresholdCriterion("ms", 5.0, Direction.MINIMIZE, "./m"),
                AnyOf((PassingTestsCriterion("make test"), JudgeCriterion("short", 0.8))),
            )
        ),
        10,
    )


def test_a_loop_may_be_without_limit_and_have_a_time_and_patience_of_its_own() -> None:
    text = 'ABYSSAL[ASK]("x", criterion="stability(window=4)", max_iterations="unlimited", loop_timeout="2h", patience=4)'

    assert planned(text).nodes[0].loop == LoopSpec(StabilityCriterion(4), None, 7200.0, 4)


def test_a_project_template_never_names_the_command_that_is_run() -> None:
    loop: JsonObject = {"about": "x", "metric": "ms", "target": 5, "direction": "minimize"}
    nesting = template("NESTING", nested=(Nested("n", "LOOP", parameters={**loop, "measure": "touch sprung"}),))
    passing = template("PASSING", nested=(Nested("n", "OUTER", parameters={"about": "touch sprung"}),), origin="project")
    outer = template("OUTER", nested=(Nested("n", "LOOP", parameters={**loop, "measure": "{{ about }}"}),), origin="user")
    declared = (Parameter("about", ParameterKind.STRING), Parameter("measure", ParameterKind.STRING, default="touch sprung"))
    springing = template("SPRINGING", nested=(Nested("n", "ASK", parameters={"about": "x", "criterion": "custom: touch sprung"}),), origin="project")
    default = template("DEFAULT", *declared, kind=TemplateKind.LOOP, extra=True)
    rest = 'metric="ms", target=5, direction="minimize"'

    assert planned('ABYSSAL[NESTING]("x")', SmallRegistry(nesting)).nodes
    for text, templates in (
        ('ABYSSAL[NESTING]("x")', [replace(nesting, origin="project")]),
        ('ABYSSAL[PASSING]("x")', [passing, outer]),
        ('ABYSSAL[SPRINGING]("x")', [springing]),
        (f'ABYSSAL[DEFAULT]("x", {rest})', [replace(default, origin="project")]),
    ):
        assert only_mistake(text, SmallRegistry(*templates)).code == "ABTH-ERR-118"
    assert planned(f'ABYSSAL[DEFAULT]("x", measure="true", {rest})', SmallRegistry(replace(default, origin="project"))).nodes
    assert planned('ABYSSAL[OUTER]("./bench")', SmallRegistry(outer)).nodes


def test_the_tree_may_not_be_deeper_than_the_limit() -> None:
    def nested(levels: int) -> str:
        return "ABYSSAL[ASK](" * levels + '"x"' + ")" * levels

    assert len(planned(nested(6)).nodes) == 6
    assert only_mistake(nested(7)).code == "ABTH-ERR-117"
    assert only_mistake(nested(3), context=PlanContext(max_depth=2)).message == "nested deeper than 2 levels (templates' own nesting counts)"


def test_what_templates_nest_counts_as_depth() -> None:
    assert only_mistake('ABYSSAL[CODE]("x")', context=PlanContext(max_depth=1)).code == "ABTH-ERR-117"


def test_there_may_not_be_more_tasks_than_the_limit() -> None:
    text = 'ABYSSAL[ASK]("x")\n' * 20

    assert len(planned(text, context=PlanContext(max_nodes=20)).nodes) == 21
    assert only_mistake(text, context=PlanContext(max_nodes=19)).message == "the document expands to more than 19 tasks"


def test_templates_that_multiply_are_stopped_at_the_limit() -> None:
    levels = [
        template(f"L{level}", nested=tuple(Nested(f"n{i}", f"L{level + 1}", parameters={"about": "x"}) for i in range(30))) for level in range(5)
    ]

    assert only_mistake('ABYSSAL[L0]("x")', SmallRegistry(*levels, template("L5"))).code == "ABTH-ERR-117"


def test_placeholders_that_multiply_are_stopped_at_the_limit() -> None:
    levels = [template(f"L{level}", nested=(Nested("n", f"L{level + 1}", parameters={"about": "{{ about }}" * 100}),)) for level in range(5)]

    assert only_mistake('ABYSSAL[L0]("0123456789")', SmallRegistry(*levels, template("L5"))).code == "ABTH-ERR-117"


def test_more_dependencies_than_anybody_needs_are_refused() -> None:
    bound = "".join(f'a{number} = ABYSSAL[ASK]("x")\n' for number in range(600))
    after = ", ".join(f"a{number}" for number in range(600))

    assert (
        only_mistake(bound + f'ABYSSAL[ASK]("y", after=[{after}])\n' * 100, context=PlanContext(max_nodes=1000)).message
        == "the document has too many dependencies"
    )


def test_templates_that_nest_each_other_are_printed() -> None:
    one = template("ONE", nested=(Nested("n", "TWO", parameters={"about": "x"}),))
    two = template("TWO", nested=(Nested("n", "ONE", parameters={"about": "x"}),))

    detail = only_mistake('ABYSSAL[ONE]("x")', SmallRegistry(one, two), PlanContext(max_depth=100))

    assert detail.message == "templates nest each other in a circle: ONE → TWO → ONE"
    assert detail.code == "ABTH-ERR-008"


def test_a_template_may_be_written_inside_itself() -> None:
    assert len(planned('ABYSSAL[CODE](ABYSSAL[CODE]("x"))').nodes) == 6


def test_a_template_that_nests_what_is_not_there_is_told_at_the_command() -> None:
    detail = only_mistake('ABYSSAL[ONE]("x")', SmallRegistry(template("ONE", nested=(Nested("n", "ASKE", parameters={"about": "x"}),))))

    assert (detail.code, detail.column, detail.suggestion) == ("ABTH-ERR-112", 9, "did you mean ASK?")


def test_a_nested_template_takes_no_wrong_types() -> None:
    one = template("ONE", nested=(Nested("n", "TEST", parameters={"target": "x", "coverage_target": "{{ about }}"}),))

    assert only_mistake('ABYSSAL[ONE]("x")', SmallRegistry(one)).message == "`coverage_target` takes a number, not a text"


def test_names_are_one_short_line() -> None:
    plan = planned('ABYSSAL[ASK]("""many\n\n   words \u202e and a tab\there: ' + "word " * 30 + '""")')

    assert plan.nodes[0].name == "ASK many words \ufffd and a tab here: word word word word word…"
    assert len(planned('ABYSSAL[ASK]("' + "x" * 500 + '")').nodes[0].name) == 60


def test_a_plan_is_the_same_every_time() -> None:
    text = 'a = ABYSSAL[CODE]("a") b = ABYSSAL[PARTS]("b", parts=[ABYSSAL[CODE](a), a]) ABYSSAL[TEST](b, after=[a])'

    assert planned(text) == planned(text)


def test_an_estimate_is_a_guess_along_the_longest_path() -> None:
    plan = planned('a = ABYSSAL[CODE]("a") ABYSSAL[TEST](a) ABYSSAL[ASK]("c")')

    assert plan.estimate.seconds == 30
    assert plan.estimate.tokens > 4000
    assert plan.estimate.cost_usd is None
    assert not plan.estimate.measured


def test_a_loop_is_guessed_to_take_half_of_its_passes() -> None:
    loop = 'ABYSSAL[LOOP]("x", metric="ms", target=5, measure="m", direction="minimize", max_iterations={})'

    assert planned(loop.format(20)).estimate.seconds == 100
    assert planned(loop.format(1)).estimate.seconds == 10


def test_nesting_is_the_templates_choice() -> None:
    inputs = replace(PARTS, name="INPUTS", nesting=Nesting.INPUTS)
    plan = planned('ABYSSAL[INPUTS]("x", parts=[ABYSSAL[ASK]("a")])', SmallRegistry(inputs))

    assert needs(plan, "INPUTS x") == ["ASK a"]
    assert CODE.extra
    assert not ASK.extra
