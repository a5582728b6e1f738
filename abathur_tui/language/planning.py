"""A document to a plan."""

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace

from abathur_tui.domain.data import JsonValue, pointer_to
from abathur_tui.domain.errors import Detail, DocumentInvalid
from abathur_tui.domain.plan import Edge, Fallback, JoinSpec, JoinStrategy, Kind, LoopBody, Need, Plan, PlanNode, Reference
from abathur_tui.domain.templates import Registry, TemplateUse
from abathur_tui.language.check import check
from abathur_tui.language.context import PlanContext
from abathur_tui.language.drafts import Draft, Placed, Result
from abathur_tui.language.estimate import estimate
from abathur_tui.language.expand import Expander
from abathur_tui.language.garbage import no_garbage_collection
from abathur_tui.language.loop_bodies import owners_of
from abathur_tui.language.mistakes import Mistakes, TooMany
from abathur_tui.language.parameters import Binder
from abathur_tui.language.parser import read
from abathur_tui.language.reads import reads_of
from abathur_tui.language.resolved import ResolvedStatement, has_lost, supplied_from
from abathur_tui.language.steps import Full, Inherited
from abathur_tui.language.tree import Document


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
    """All that is wrong with a document, in its order. Raises nothing but `OverLimit` for a text that is too long.

    Reads the files that the document names, and may run git: nothing for an event loop.
    """
    return _planned(text, registry, context, None)[1].details()


def _planned(text: str, registry: Registry, context: PlanContext, common: Mapping[str, JsonValue] | None) -> tuple[Plan | None, Mistakes]:
    document, found = read(text, max_bytes=context.max_bytes)
    with no_garbage_collection():
        return _made(document, registry, context, common, found), found


def _made(document: Document, registry: Registry, context: PlanContext, common: Mapping[str, JsonValue] | None, found: Mistakes) -> Plan | None:
    try:
        statements = check(document, registry, context, found, supplied_from(common))
        if not statements and not found:
            found.add(DocumentInvalid, (0, 1), "there is no command here", 'ABYSSAL[CODE]("what to build")')
        root = expanded(statements, registry, context, found) if statements else None
    except TooMany:
        return None
    return None if found or root is None else frozen(root, document.text, context, reads_of(document))


def expanded(statements: Sequence[ResolvedStatement], registry: Registry, context: PlanContext, found: Mistakes) -> Draft | None:
    """The node that is the document's result, with all others inside it."""
    expander = Expander(context, Binder(registry, found, context.max_iterations), found)
    faces: dict[int, Draft] = {}
    try:
        for index in _in_order(statements):
            command = statements[index].command
            if command is None or has_lost(command):
                continue
            faces[index] = expander.expand(command, None, 1, Inherited())
            name = statements[index].name
            if name is not None:
                expander.faces[name] = faces[index]
    except Full:
        return None
    if len(faces) == 1 and len(statements) == 1:
        return faces[0]
    root = Draft("", Kind.JOIN, 0, tags=("abyssal",), strategy=JoinStrategy.CONCATENATE)
    root.success_threshold = context.success_threshold
    root.priority = max((face.priority for face in faces.values()), default=5)
    used = frozenset().union(*(statement.uses for statement in statements))
    for index in sorted(faces):
        faces[index].parent = root
        root.children.append(faces[index])
        if statements[index].name not in used:
            root.settles[faces[index]] = None
    root.name = f"JOIN of {len(root.settles)} result{'' if len(root.settles) == 1 else 's'}"
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


def frozen(root: Draft, source: str, context: PlanContext, reads: tuple[str, ...] = ()) -> Plan:
    """The plan made of the drafts: numbered parents first in written order, results as references. `reads`: what the text took in."""
    drafts = list(root.walk())
    ids = {draft: f"n{number}" for number, draft in enumerate(drafts, 1)}
    nodes, edges = _graph(drafts, ids)
    return Plan(nodes, edges, ids[root], source, estimate(nodes, edges, context.max_retries), reads)


def _graph(drafts: Sequence[Draft], ids: MutableMapping[Draft, str], owner: Draft | None = None) -> tuple[tuple[PlanNode, ...], tuple[Edge, ...]]:
    """The nodes and their edges; `owner`: the node whose fallback they are."""
    owners = owners_of(drafts)
    nodes = tuple(_node(draft, ids, owners.get(draft, owner)) for draft in drafts)
    edges = tuple(
        Edge(ids[draft], ids[other], need)
        for draft in drafts
        for others, need in ((draft.needs, Need.NEEDS), (draft.settles, Need.SETTLES))
        for other in others
    )
    return nodes, edges


def _fallback(draft: Draft, ids: MutableMapping[Draft, str]) -> Fallback | None:
    """What is done instead of a node, with all that it nests: its nodes are `n3.1`, `n3.2`…"""
    if draft.fallback is None or draft.instead is None:
        return draft.fallback
    inside = list(draft.instead.walk())
    own = {one: f"{ids[draft]}.{number}" for number, one in enumerate(inside, 1)}
    nodes, edges = _graph(inside, ChainMap(own, ids), draft)
    nodes = tuple(replace(node, instance=draft.instance, instances=draft.instances) if node.instances == 1 else node for node in nodes)
    return replace(draft.fallback, body=LoopBody(ids[draft], own[draft.instead], nodes, edges))


def _node(draft: Draft, ids: MutableMapping[Draft, str], owner: Draft | None) -> PlanNode:
    references: list[Reference] = []
    parameters = {name: _json(value, (name,), references, ids) for name, value in draft.parameters.items()}
    join = None
    if draft.strategy is not None:
        lead = ids[draft.lead] if draft.lead is not None and draft.strategy is JoinStrategy.LEAD else None
        rule, required = draft.rule, tuple(ids[member] for member in draft.required)
        join = JoinSpec(draft.strategy, draft.success_threshold, lead, required, rule.conflicts, rule.command, rule.threshold, rule.criteria)
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
        memory_bytes=draft.memory_bytes,
        cores=draft.cores,
        instance=draft.instance,
        instances=draft.instances,
        loop=draft.loop,
        join=join,
        fallback=_fallback(draft, ids),
        in_passes_of=None if owner is None else ids[owner],
        success=draft.success,
        parallel_because=draft.parallel_because or None,
        estimated_seconds=draft.estimated_seconds if past.mean_seconds is None else past.mean_seconds,
        complexity=draft.complexity,
        measured=past.mean_seconds is not None,
        estimated_tokens=past.mean_tokens,
        estimated_cost_usd=past.mean_cost_usd or None,
    )


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
