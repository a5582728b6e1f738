"""A text to several plans, each to be run by itself: statements that a name connects belong together, all others are on their own."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from abathur_tui.domain.errors import DocumentInvalid
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.templates import Registry
from abathur_tui.language.check import check
from abathur_tui.language.context import PlanContext
from abathur_tui.language.extract import command_spans
from abathur_tui.language.garbage import no_garbage_collection
from abathur_tui.language.mistakes import TooMany
from abathur_tui.language.parser import check_length, read
from abathur_tui.language.places import Places
from abathur_tui.language.planning import expanded, frozen
from abathur_tui.language.reads import reads_of
from abathur_tui.language.resolved import ResolvedStatement

_VISIBLE = re.compile(r"[^\r\n]")


@dataclass(frozen=True, slots=True)
class PlannedStatement:
    """A statement of a text, and the node of its plan whose result is the statement's."""

    start: int
    end: int
    """Offsets in the text."""
    line: int
    """From 1."""
    node: str


@dataclass(frozen=True, slots=True)
class PlannedPiece:
    """A plan of some of a text's statements."""

    plan: Plan
    statements: tuple[PlannedStatement, ...]


def plan_pieces(text: str, registry: Registry, context: PlanContext) -> list[PlannedPiece]:
    """The plans of a document: as many as there are groups of statements that no name connects, in written order.

    Limits hold for each plan. Raises as `plan` does, with the mistakes of all of it.
    """
    document, found = read(text, max_bytes=context.max_bytes)
    pieces: list[PlannedPiece] = []
    places = Places(text)
    with no_garbage_collection(), suppress(TooMany):
        statements = check(document, registry, context, found)
        if not statements and not found:
            found.add(DocumentInvalid, (0, 1), "there is no command here", 'ABYSSAL[CODE]("what to build")')
        for group in _connected(statements) if not found else ():
            root = expanded(group, registry, context, found)
            if root is None:
                break
            source = "\n".join(text[statement.place[0] : statement.place[1]] for statement in group)
            faces = [root] if len(group) == 1 else list(root.children)
            ids = {draft: f"n{number}" for number, draft in enumerate(root.walk(), 1)}
            told = tuple(
                PlannedStatement(*statement.place, places.position(statement.place[0])[0], ids[face])
                for statement, face in zip(group, faces, strict=True)
            )
            pieces.append(PlannedPiece(frozen(root, source, context, reads_of(document)), told))
    found.raise_if_any()
    return pieces


def plan_prose(text: str, registry: Registry, context: PlanContext) -> list[PlannedPiece]:
    """The plans of the commands in prose; none where there is no command. A name holds in all of the text. Raises as `plan` does."""
    check_length(text, context.max_bytes)
    spans = command_spans(text, max_bytes=context.max_bytes)
    if not spans:
        return []
    parts: list[str] = []
    position = 0
    for start, end in spans:
        parts += [_VISIBLE.sub(" ", text[position:start]), text[start:end]]
        position = end
    return plan_pieces("".join(parts), registry, context)


def _connected(statements: Sequence[ResolvedStatement]) -> list[list[ResolvedStatement]]:
    """The statements in groups that no name connects: in written order, and by their first one."""
    leader = list(range(len(statements)))

    def first(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    by_name = {statement.name: index for index, statement in enumerate(statements) if statement.name is not None}
    for index, statement in enumerate(statements):
        for bound in statement.needs:
            one, other = first(index), first(by_name[bound.name])
            leader[max(one, other)] = min(one, other)
    groups: dict[int, list[ResolvedStatement]] = {}
    for index, statement in enumerate(statements):
        groups.setdefault(first(index), []).append(statement)
    return list(groups.values())
