"""What was not written in ABYSSAL (a form, options of the command line, a plain prompt) to a plan."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import OverLimit, UnknownParameter, WrongValue
from abathur_tui.domain.loops import LoopSpec
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.plan import JoinStrategy, JoinWish, Kind, OnFailure, Plan
from abathur_tui.domain.templates import Registry
from abathur_tui.language.check import find_template
from abathur_tui.language.context import PlanContext
from abathur_tui.language.drafts import Draft
from abathur_tui.language.instances import join_instances
from abathur_tui.language.loops import BUDGET, LOOP_NAMES, read_loop
from abathur_tui.language.mistakes import Mistakes, TooMany
from abathur_tui.language.naming import instances_name, shortened
from abathur_tui.language.options import OPTION_NAMES, read_options
from abathur_tui.language.parallelism import AUTO, fitting
from abathur_tui.language.parameters import Binder
from abathur_tui.language.parser import MAX_BRACKETS, check_length
from abathur_tui.language.planning import expanded, frozen
from abathur_tui.language.resolved import NOWHERE, Options, ResolvedStatement, Supplied, given, supplied_from
from abathur_tui.language.strings import unusable
from abathur_tui.language.success import wanted_of

GENERALIST = "generalist"
"""Who answers a prompt for which nobody else is named."""
USUAL_SECONDS = 30.0
USUAL_COMPLEXITY = 50


def plan_template(
    name: str,
    parameters: Mapping[str, JsonValue],
    registry: Registry,
    context: PlanContext,
    *,
    subject: JsonValue = None,
    common: Mapping[str, JsonValue] | None = None,
) -> Plan:
    """The plan of one template (`NAME` or `NAME@version`). `subject` fills its first parameter, `common` are the common parameters.

    Raises as `plan` does; details have no place. A text in a value stays a text, whatever it says.
    """
    values = {**parameters, **(common or {})}
    found = Mistakes(None)
    made = None
    with suppress(TooMany):
        _check_json({"subject": subject, "values": values}, context, found)
        made = None if found else _template(name, subject, values, registry, context, found)
    found.raise_if_any()
    assert made is not None
    return made


def plan_prompt(text: str, registry: Registry, context: PlanContext, *, common: Mapping[str, JsonValue] | None = None) -> Plan:
    """The plan of a plain prompt; with `measure` (and `metric`, `target`, `direction`, `max_iterations`) in `common` it is a loop.

    Raises as `plan` does; details have no place.
    """
    check_length(text, context.max_bytes)
    found = Mistakes(None)
    made = None
    with suppress(TooMany):
        _check_json(dict(common or {}), context, found)
        if reason := unusable(text):
            found.add(WrongValue, NOWHERE, f"a text cannot be kept: {reason}")
        if not text.strip():
            found.add(WrongValue, NOWHERE, "the prompt is empty", "say what is to be done")
        made = _prompt(text, {one.name: one for one in supplied_from(common)}, registry, context, found)
    found.raise_if_any()
    assert made is not None
    return made


def _template(
    name: str, subject: JsonValue, values: Mapping[str, JsonValue], registry: Registry, context: PlanContext, found: Mistakes
) -> Plan | None:
    plain, _, version = name.partition("@")
    template = find_template(registry, plain, version or None, NOWHERE, found)
    if template is None:
        return None
    positional = [] if subject is None else [Supplied("", given(subject), NOWHERE, NOWHERE)]
    command = Binder(registry, found, context.max_iterations).bind(template, positional, supplied_from(values), NOWHERE)
    if command is None:
        return None
    root = expanded([ResolvedStatement(None, command, NOWHERE, (), frozenset())], registry, context, found)
    arguments = [values] if subject is None else [subject, values]
    written = ", ".join(json.dumps(argument, ensure_ascii=False) for argument in arguments)
    return None if root is None else frozen(root, f"ABYSSAL[{name}]({written})", context)


def _prompt(text: str, supplied: Mapping[str, Supplied], registry: Registry, context: PlanContext, found: Mistakes) -> Plan | None:
    for name in supplied:
        if name not in OPTION_NAMES and name not in LOOP_NAMES:
            meant = nearest(name, [*sorted(OPTION_NAMES), *LOOP_NAMES])
            found.add(UnknownParameter, NOWHERE, f"a prompt has no parameter `{name}`", f"did you mean {meant}?" if meant else None)
    looped = any(name in supplied for name in LOOP_NAMES if name != BUDGET)
    own = {name: one for name, one in supplied.items() if name in OPTION_NAMES and not (looped and name == BUDGET)}
    options = read_options(own, registry, found)
    if options.on_failure is OnFailure.FALLBACK:
        found.add(WrongValue, NOWHERE, "a prompt has no fallback: templates name theirs", 'on_failure="retry", "fail" or "skip"')
    loop = read_loop("the prompt", supplied, {}, NOWHERE, context.max_iterations, found) if looped else None
    if options.parallel == AUTO:
        number, because = fitting(context, USUAL_COMPLEXITY, depends=False)
        options = replace(options, parallel=number, parallel_because=because)
    if options.parallel >= context.max_nodes:
        found.add(OverLimit, NOWHERE, f"that is more than {context.max_nodes:,} tasks", "ask for fewer instances, or raise language.max_nodes")
    if found:
        return None
    return frozen(_instances(text, options, loop, context), text, context)


def _instances(text: str, options: Options, loop: LoopSpec | None, context: PlanContext) -> Draft:
    """The prompt's node; where several instances are asked for, their join."""
    drafts: list[Draft] = []
    for instance in range(1, options.parallel + 1):
        draft = Draft(shortened(text.lstrip()), Kind.LOOP if loop else Kind.AGENT, 1, agent=options.agent or GENERALIST, prompt="{{ prompt }}")
        draft.parameters = {"prompt": text}
        draft.priority = 5 if options.priority is None else options.priority
        draft.tags, draft.model = options.tags, options.model
        draft.timeout_seconds, draft.expires_in_seconds = options.timeout_seconds, options.expires_in_seconds
        draft.memory_bytes, draft.cores = options.memory_bytes, options.cores
        draft.retries, draft.on_failure = options.retries, options.on_failure or OnFailure.RETRY
        draft.loop, draft.success = loop and loop.shared_by(options.parallel), wanted_of(options, None)
        draft.instance, draft.instances = instance, options.parallel
        draft.estimated_seconds, draft.complexity = USUAL_SECONDS, USUAL_COMPLEXITY
        drafts.append(draft)
    if len(drafts) == 1:
        drafts[0].parallel_because = options.parallel_because
        return drafts[0]
    rule = options.join or JoinWish()
    strategy = rule.strategy or JoinStrategy.BEST
    join = Draft(instances_name(strategy, drafts[0].name), Kind.JOIN, 1, strategy=strategy, rule=rule)
    join.priority, join.tags, join.model = drafts[0].priority, options.tags, options.model
    join.success_threshold = context.success_threshold if rule.success_threshold is None else rule.success_threshold
    join.parallel_because = options.parallel_because
    join_instances(join, drafts)
    return join


def _check_json(values: JsonObject, context: PlanContext, found: Mistakes) -> None:
    """Notes what cannot be kept in values that were not written in ABYSSAL."""
    size = 0
    rest: list[tuple[JsonValue, int]] = [(values, 0)]
    while rest:
        value, depth = rest.pop()
        if depth > MAX_BRACKETS:
            found.add(OverLimit, NOWHERE, f"a value is nested deeper than {MAX_BRACKETS} levels")
            return
        match value:
            case str():
                size += len(value)
                reason = unusable(value)
                if reason:
                    found.add(WrongValue, NOWHERE, f"a text cannot be kept: {reason}")
            case float() if not math.isfinite(value):
                found.add(WrongValue, NOWHERE, "a number is too large")
            case list():
                rest.extend((item, depth + 1) for item in value)
            case dict():
                rest.extend((item, depth + 1) for item in value.values())
                rest.extend((key, depth + 1) for key in value)
                size -= sum(map(len, value))  # names are no values
            case _:
                pass
    if size > context.max_bytes:
        found.add(OverLimit, NOWHERE, f"the values are longer than {context.max_bytes:,} bytes in all", "shorten them, or raise language.max_bytes")
