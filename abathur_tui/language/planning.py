"""Text, a template with parameters, or a prompt, to a plan."""

import json
import math
from collections.abc import Mapping, Sequence

from abathur_tui.domain.data import JsonObject, JsonValue, pointer_to
from abathur_tui.domain.errors import Detail, DocumentInvalid, OverLimit, UnknownParameter, WrongValue
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.plan import Edge, JoinSpec, JoinStrategy, Kind, Need, OnFailure, Plan, PlanNode, Reference
from abathur_tui.domain.templates import Registry, TemplateUse
from abathur_tui.language.check import check, find_template
from abathur_tui.language.context import PlanContext
from abathur_tui.language.drafts import Draft, Placed, Result
from abathur_tui.language.estimate import estimate
from abathur_tui.language.expand import Expander, Full, Inherited
from abathur_tui.language.loops import LOOP_NAMES, read_loop
from abathur_tui.language.mistakes import Mistakes, TooMany
from abathur_tui.language.naming import shortened
from abathur_tui.language.options import OPTION_NAMES, read_options
from abathur_tui.language.parameters import Binder
from abathur_tui.language.parser import MAX_BRACKETS, check_length, read
from abathur_tui.language.resolved import NOWHERE, ResolvedStatement, Supplied, given
from abathur_tui.language.strings import unusable

GENERALIST = "generalist"
"""Who answers a prompt for which nobody else is named."""


def plan(text: str, registry: Registry, context: PlanContext, *, common: Mapping[str, JsonValue] | None = None) -> Plan:
    """The plan of a document. `common` are parameters that hold for every statement that does not say otherwise.

    Raises `DocumentInvalid` with all the document's mistakes; where they are all of one kind, the class of that kind (which for `agent=`
    is `UnknownAgent`, and for circles `CyclicDependencies`).
    """
    made, found = _planned(text, registry, context, common)
    found.raise_if_any()
    assert made is not None
    return made


def mistakes(text: str, registry: Registry, context: PlanContext) -> tuple[Detail, ...]:
    """All that is wrong with a document, in its order. Raises nothing but `OverLimit` for a text that is too long."""
    return _planned(text, registry, context, None)[1].details()


def plan_template(
    name: str,
    parameters: Mapping[str, JsonValue],
    registry: Registry,
    context: PlanContext,
    *,
    subject: JsonValue = None,
    common: Mapping[str, JsonValue] | None = None,
) -> Plan:
    """The plan of one template (`NAME` or `NAME@version`) with parameters that were not written in ABYSSAL: a form, command line options.

    `subject` fills the template's first parameter. Raises as `plan`; details have no place.
    """
    found = Mistakes(None)
    _check_json({"subject": subject, "parameters": dict(parameters), "common": dict(common or {})}, context, found)
    found.raise_if_any()
    plain, _, version = name.partition("@")
    template = find_template(registry, plain, version or None, NOWHERE, found)
    found.raise_if_any()
    assert template is not None
    positional = [] if subject is None else [Supplied("", given(subject), NOWHERE, NOWHERE)]
    binder = Binder(registry, found, context.max_iterations)
    command = binder.bind(template, positional, [*_supplied(parameters), *_supplied(common)], NOWHERE)
    found.raise_if_any()
    assert command is not None
    statement = ResolvedStatement(None, command, NOWHERE, (), frozenset())
    root = _expanded([statement], registry, context, found)
    found.raise_if_any()
    assert root is not None
    arguments = [*([] if subject is None else [subject]), {**parameters, **(common or {})}]
    source = f"ABYSSAL[{name}]({', '.join(json.dumps(argument, ensure_ascii=False) for argument in arguments)})"
    return _frozen(root, source)


def plan_prompt(text: str, registry: Registry, context: PlanContext, *, common: Mapping[str, JsonValue] | None = None) -> Plan:
    """The plan of a plain prompt; with `measure` (and `metric`, `target`, `direction`, `max_iterations`) in `common` it is a loop.

    Raises as `plan`; details have no place.
    """
    check_length(text, context.max_bytes)
    found = Mistakes(None)
    _check_json({"prompt": text, "common": dict(common or {})}, context, found)
    if not text.strip():
        found.add(WrongValue, NOWHERE, "the prompt is empty", "say what is to be done")
    supplied = {one.name: one for one in _supplied(common)}
    for name in supplied:
        if name not in OPTION_NAMES and name not in LOOP_NAMES:
            meant = nearest(name, [*sorted(OPTION_NAMES), *LOOP_NAMES])
            found.add(UnknownParameter, NOWHERE, f"a prompt has no parameter `{name}`", f"did you mean {meant}?" if meant else None)
    options = read_options({name: one for name, one in supplied.items() if name in OPTION_NAMES}, registry, found)
    looped = any(name in supplied for name in LOOP_NAMES)
    loop = read_loop("the prompt", supplied, {}, NOWHERE, context.max_iterations, found) if looped else None
    found.raise_if_any()
    node = PlanNode(
        "n1",
        shortened(text.lstrip()),
        Kind.LOOP if loop else Kind.AGENT,
        None,
        None,
        options.agent or GENERALIST,
        "{{ prompt }}",
        {"prompt": text},
        priority=5 if options.priority is None else options.priority,
        tags=options.tags,
        model=options.model,
        timeout_seconds=options.timeout_seconds,
        retries=options.retries,
        on_failure=options.on_failure or OnFailure.RETRY,
        expires_in_seconds=options.expires_in_seconds,
        loop=loop,
    )
    return Plan((node,), (), "n1", text, estimate((node,), ()))


def _planned(text: str, registry: Registry, context: PlanContext, common: Mapping[str, JsonValue] | None) -> tuple[Plan | None, Mistakes]:
    document, found = read(text, max_bytes=context.max_bytes)
    try:
        statements = check(document, registry, context, found, _supplied(common))
        if not statements and not found:
            found.add(DocumentInvalid, (0, 1), "there is no command here", 'ABYSSAL[CODE]("what to build")')
        root = _expanded(statements, registry, context, found) if statements else None
    except TooMany:
        return None, found
    return (None if found or root is None else _frozen(root, text)), found


def _expanded(statements: Sequence[ResolvedStatement], registry: Registry, context: PlanContext, found: Mistakes) -> Draft | None:
    """The node that is the document's result, with all others inside it."""
    expander = Expander(context, Binder(registry, found, context.max_iterations), found)
    faces: dict[int, Draft] = {}
    try:
        for index in _in_order(statements):
            command = statements[index].command
            if command is None:
                continue
            faces[index] = expander.expand(command, None, 1, Inherited())
            name = statements[index].name
            if name is not None:
                expander.faces[name] = faces[index]
    except Full:
        return None
    if len(faces) == 1 and len(statements) == 1:
        return faces[0]
    root = Draft(f"JOIN of {len(statements)} results", Kind.JOIN, 0, tags=("abyssal",), strategy=JoinStrategy.CONCATENATE)
    root.success_threshold = context.success_threshold
    root.priority = max((face.priority for face in faces.values()), default=5)
    used = frozenset().union(*(statement.uses for statement in statements))
    for index in sorted(faces):
        faces[index].parent = root
        root.children.append(faces[index])
        if statements[index].name not in used:
            root.settles[faces[index]] = None
    return root


def _in_order(statements: Sequence[ResolvedStatement]) -> list[int]:
    """The statements' places, each behind those whose names it uses; members of circles (which have been noted) are left out."""
    by_name = {statement.name: index for index, statement in enumerate(statements) if statement.name is not None}
    waiting = [0] * len(statements)
    dependents: list[list[int]] = [[] for _ in statements]
    for index, statement in enumerate(statements):
        for name in {bound.name for bound in statement.needs}:
            if name in by_name:
                waiting[index] += 1
                dependents[by_name[name]].append(index)
    order = [index for index, count in enumerate(waiting) if count == 0]
    for index in order:
        for dependent in dependents[index]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                order.append(dependent)
    return order


def _frozen(root: Draft, source: str) -> Plan:
    drafts = list(root.walk())
    ids = {draft: f"n{number}" for number, draft in enumerate(drafts, 1)}
    nodes = tuple(_node(draft, ids) for draft in drafts)
    edges = tuple(
        Edge(ids[draft], ids[other], need)
        for draft in drafts
        for others, need in ((draft.needs, Need.NEEDS), (draft.settles, Need.SETTLES))
        for other in others
    )
    return Plan(nodes, edges, ids[root], source, estimate(nodes, edges))


def _node(draft: Draft, ids: Mapping[Draft, str]) -> PlanNode:
    references: list[Reference] = []
    parameters = {name: _json(value, (name,), references, ids) for name, value in draft.parameters.items()}
    join = None
    if draft.strategy is not None:
        lead = ids[draft.lead] if draft.lead is not None and draft.strategy is JoinStrategy.LEAD else None
        join = JoinSpec(draft.strategy, draft.success_threshold, lead, tuple(ids[member] for member in draft.required))
    past = draft.past or TemplateUse()
    return PlanNode(
        ids[draft],
        draft.name,
        draft.kind,
        draft.template,
        draft.template_version,
        draft.agent,
        draft.prompt,
        parameters,
        tuple(references),
        ids[draft.parent] if draft.parent is not None else None,
        draft.depth,
        draft.priority,
        draft.tags,
        draft.model,
        draft.timeout_seconds,
        draft.retries,
        draft.on_failure,
        draft.expires_in_seconds,
        loop=draft.loop,
        join=join,
        estimated_seconds=draft.estimated_seconds if past.mean_seconds is None else past.mean_seconds,
        complexity=draft.complexity,
        measured=past.mean_seconds is not None,
        estimated_tokens=past.mean_tokens,
        estimated_cost_usd=past.mean_cost_usd or None,
    )


def _supplied(values: Mapping[str, JsonValue] | None) -> list[Supplied]:
    return [Supplied(name, given(value), NOWHERE, NOWHERE) for name, value in (values or {}).items()]


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
            case _:
                pass
    if size > context.max_bytes:
        found.add(OverLimit, NOWHERE, f"the values are longer than {context.max_bytes:,} bytes in all", "shorten them, or raise language.max_bytes")


def _json(value: Placed, path: tuple[str | int, ...], references: list[Reference], ids: Mapping[Draft, str]) -> JsonValue:
    match value:
        case Result(draft=draft):
            references.append(Reference(pointer_to(*path), ids[draft]))
            return None
        case list():
            return [_json(item, (*path, index), references, ids) for index, item in enumerate(value)]
        case dict():
            return {key: _json(item, (*path, key), references, ids) for key, item in value.items()}
        case _:
            return value
