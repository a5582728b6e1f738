"""A template's TOML file: checked as a whole, and what it becomes."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from pydantic import ValidationError

from abathur_tui.domain.errors import Detail, PromptFailed, TemplateInvalid
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.templates import Nesting, Template, TemplateKind
from abathur_tui.library.executables import executable_mistakes
from abathur_tui.library.folder import Broken
from abathur_tui.library.prompt_language import compile_prompt
from abathur_tui.library.remainder import remainder
from abathur_tui.library.template_table import TemplateTable
from abathur_tui.settings.toml import Key, Source, read, refusals

COMMON_PARAMETERS = frozenset(
    {"priority", "parallel", "mode", "join", "after", "agent", "model", "timeout", "retries", "on_failure", "budget", "memory", "cpu", "tags"}
) | {"success_criteria", "expires", "confidence", "repo", "touches"}
"""What every command takes already; a template cannot declare it again."""
GIVEN = frozenset({"results", "instance", "instances"})
"""What every prompt may use besides its parameters: `results` is a list of `name`, `text` and `missing`."""
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
"""A parameter's place in a nested template's parameters."""
_TAKEN = COMMON_PARAMETERS | GIVEN


def read_template(text: str, file: str, origin: str) -> Template:
    """The template in a file. Raises Broken."""
    try:
        return template_from_toml(text, file, origin)
    except TemplateInvalid as error:
        raise Broken(error.details) from error


def template_from_toml(text: str, file: str, origin: str) -> Template:
    """The template that a file's text declares. Raises TemplateInvalid with every mistake in it.

    `origin` decides what may stand in it: a `project`'s file names nothing that runs.
    """
    source = read(text, file)
    if isinstance(source, Detail):
        raise invalid(file, [source])
    return template_from_source(source, origin)


def template_from_source(source: Source, origin: str) -> Template:
    """The same from data that were read already; `source.text` is the text that the template keeps."""
    template, mistakes = looked_at(source, origin)
    if template is None or mistakes:
        raise invalid(source.file, mistakes)
    return template


def looked_at(source: Source, origin: str) -> tuple[Template | None, list[Detail]]:
    """All that is wrong with a template in itself, and the template without it; None where too much is wrong to make one."""
    table: TemplateTable | None
    mistakes: list[Detail] = []
    try:
        table = TemplateTable.model_validate(source.data)
    except ValidationError as error:
        mistakes, table = refusals(error, source, TemplateTable), remainder(source.data, error)
    if table is None:
        return None, mistakes
    return _template(table, source, origin), [*mistakes, *_contradictions(table, source), *executable_mistakes(table, source, origin)]


def _template(table: TemplateTable, source: Source, origin: str) -> Template:
    return Template(
        name=table.name,
        version=table.version,
        description=table.description,
        category=table.category,
        kind=TemplateKind(table.kind),
        parameters=tuple(parameter.parameter(name) for name, parameter in table.parameters.items()),
        agent=table.agent,
        prompt=table.prompt.strip(),
        nested=tuple(nested.nested() for nested in table.nested),
        nesting=Nesting(table.nesting),
        extra=table.extra == "allow",
        join=None if table.join is None else table.join.wish(),
        success_threshold=table.success_threshold,
        retries=table.retries,
        complexity=table.complexity,
        estimated_seconds=table.estimated_seconds,
        memory_bytes=table.memory,
        cores=table.cpu,
        operation=table.operation,
        success=table.success,
        fallback=table.fallback,
        origin=origin,
        text=source.text,
        file=source.file,
    )


def _contradictions(table: TemplateTable, source: Source) -> list[Detail]:
    """What is wrong between one field and another: names that are declared nowhere, or twice."""
    mistakes = [
        *(source.mistake(("parameters", name), f"{name} is taken; give the parameter another name") for name in table.parameters if name in _TAKEN),
        *_prompt_mistakes(table, source),
    ]
    names = [nested.name for nested in table.nested]
    try:
        TopologicalSorter({nested.name: set(nested.depends_on) - {table.name} for nested in table.nested}).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        place = names.index(circle[0])
        mistakes.append(source.mistake(("nested", place, "depends_on"), f"they wait for each other: {' → '.join(reversed(circle))}"))
    for place, nested in enumerate(table.nested):
        key: Key = ("nested", place)
        if nested.name in names[:place] or nested.name == table.name:
            mistakes.append(source.mistake((*key, "name"), f"{nested.name} is there twice; each nested template has a name of its own"))
        mistakes.extend(
            source.mistake((*key, "parameters"), *_not_declared(name, table.parameters))
            for name in dict.fromkeys(PLACEHOLDER.findall(json.dumps(nested.parameters)))
            if name not in table.parameters
        )
        others = {*names, *([] if table.kind == "fork" else [table.name])} - {nested.name}
        for needed in nested.depends_on:
            if needed not in others:
                meant = nearest(needed, others)
                own = "" if table.kind == "fork" else f" nor this template's own step ({table.name})"
                message = f"{nested.name} depends on {needed}, which is {'neither a sibling' if own else 'no sibling'}{own}"
                mistakes.append(source.mistake((*key, "depends_on"), message, f"did you mean {meant}?" if meant else None))
    return mistakes


def _prompt_mistakes(table: TemplateTable, source: Source) -> list[Detail]:
    if table.kind == "fork":
        if table.prompt:
            message = "a fork has no step of its own, so nobody would be given its prompt"
            return [source.mistake(("prompt",), message, 'leave it out, or write kind = "agent"')]
        return [] if table.nested else [source.mistake(("kind",), "a fork needs nested templates: without them it does nothing", "[[nested]]")]
    if not table.prompt.strip():
        return [source.mistake(("prompt",) if "prompt" in source.data else (), "prompt is missing: what is the agent told?")]
    try:
        names = compile_prompt(table.prompt).names
    except PromptFailed as error:
        return [_inside_prompt(source, detail) for detail in error.details]
    known = {*table.parameters, *GIVEN}
    return [source.mistake(("prompt",), *_not_declared(name, known)) for name in sorted(names - known)]


def _inside_prompt(source: Source, detail: Detail) -> Detail:
    """The mistake at its line of the file: the first one like it from the prompt's own line on."""
    start = source.lines.get(("prompt",), 1)
    lines = source.text.split("\n")
    line = next((number for number in range(start, len(lines) + 1) if (detail.source or "") in lines[number - 1]), start)
    return replace(detail, message=f"prompt: {detail.message}", line=line, source=lines[line - 1].rstrip("\r"), file=source.file)


def _not_declared(name: str, known: Iterable[str]) -> tuple[str, str | None]:
    meant = nearest(name, known)
    return f"{name} is no parameter of this template", f"did you mean {meant}?" if meant else None


def invalid(file: str, mistakes: Sequence[Detail]) -> TemplateInvalid:
    """The error for a template's file with these mistakes."""
    count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    in_order = sorted(mistakes, key=lambda one: (one.line or 0, one.column or 0))
    return TemplateInvalid(f"The template {file} has {count}.", details=in_order)
