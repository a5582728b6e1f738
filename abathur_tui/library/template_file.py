"""A template's TOML file: what may stand in it, checked as a whole, and what it becomes."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal, TypeAlias

from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError, field_validator, model_validator

from abathur_tui.domain.errors import Detail, PromptFailed, TemplateInvalid
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.plan import JoinStrategy
from abathur_tui.domain.templates import Nested, Nesting, Parameter, ParameterKind, Template, TemplateKind
from abathur_tui.library.prompt_language import compile_prompt
from abathur_tui.settings.toml import Key, Source, read, refusals

NOT_YET = frozenset({"criteria", "checks", "memory", "cpu", "fallback"})
"""Fields of a template that this version cannot honour."""
COMMON_PARAMETERS = frozenset(
    {"priority", "parallel", "mode", "join", "after", "agent", "model", "timeout", "retries", "on_failure", "budget", "memory", "cpu", "tags"}
) | {"success_criteria", "expires", "confidence"}
"""What every command takes already; a template cannot declare it again."""
GIVEN = frozenset({"results", "instance", "instances"})
"""What every prompt may use besides its parameters: `results` is a list of `name`, `text` and `missing`."""
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
"""A parameter's place in a nested template's parameters."""
_TAKEN = COMMON_PARAMETERS | GIVEN

Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
ParameterName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
_TYPE = re.compile(r"(string|number|boolean|array|object)|enum\(([^()]+)\)")
_PYTHON_TYPES: dict[ParameterKind, tuple[type, ...]] = {
    ParameterKind.STRING: (str,),
    ParameterKind.NUMBER: (int, float),
    ParameterKind.BOOLEAN: (bool,),
    ParameterKind.ARRAY: (list,),
    ParameterKind.OBJECT: (dict,),
    ParameterKind.ENUM: (str,),
}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ParameterTable(_Table):
    """`[parameters.NAME]`."""

    type: str = "string"
    """`string`, `number`, `boolean`, `array`, `object`, or `enum(a, b, c)`."""
    required: bool = False
    default: JsonValue = None
    suggestions: list[str] = []
    description: str = ""

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if not _TYPE.fullmatch(value):
            raise ValueError(f"it must be string, number, boolean, array, object or enum(a, b, c), not {value!r}")
        return value

    @model_validator(mode="after")
    def _default_fits(self) -> "ParameterTable":
        if self.default is None:
            return self
        if self.required:
            raise ValueError("a required parameter has no default")
        fits = isinstance(self.default, _PYTHON_TYPES[self.kind]) and (self.kind is ParameterKind.BOOLEAN or not isinstance(self.default, bool))
        if not fits or (self.choices and self.default not in self.choices):
            raise ValueError(f"the default {self.default!r} is no {self.type}")
        return self

    @property
    def kind(self) -> ParameterKind:
        """The type without an enum's values."""
        return ParameterKind(self.type.partition("(")[0])

    @property
    def choices(self) -> tuple[str, ...]:
        """An enum's values."""
        return tuple(choice.strip() for choice in self.type.partition("(")[2].rstrip(")").split(",") if choice.strip())

    def parameter(self, name: str) -> Parameter:
        """What the language sees of it."""
        return Parameter(name, self.kind, self.required, self.default, self.choices, tuple(self.suggestions), self.description)


class NestedTable(_Table):
    """`[[nested]]`: a template inside this one."""

    name: Name
    template: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}(@[0-9A-Za-z.+-]+)?$")]
    """`NAME`, or `NAME@VERSION`."""
    parameters: dict[ParameterName, JsonValue] = {}
    depends_on: list[str] = []
    required: bool = True

    def nested(self) -> Nested:
        """What the language sees of it."""
        name, _, version = self.template.partition("@")
        return Nested(self.name, name, version or None, self.parameters, tuple(self.depends_on), self.required)


class TemplateTable(_Table):
    """A template's file as a whole."""

    name: Name
    version: str = "1.0.0"
    description: str = ""
    category: str = "general"
    kind: Literal["agent", "loop"] = "agent"
    agent: str = "generalist"
    prompt: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    parameters: dict[ParameterName, ParameterTable] = {}
    extra: Literal["allow", "forbid"] = "forbid"
    nested: list[NestedTable] = []
    nesting: Literal["inputs", "parts"] = "inputs"
    join: Literal["concatenate"] | None = None
    success_threshold: float | None = Field(default=None, ge=0, le=1)
    retries: int | None = Field(default=None, ge=0, le=100)
    complexity: int = Field(default=50, ge=0, le=100)
    estimated_seconds: float = Field(default=30.0, gt=0, le=2_592_000)
    operation: str = ""

    @field_validator("kind", "join", mode="before")
    @classmethod
    def _not_yet(cls, value: object) -> object:
        if value in ("fork", "merge", "reduce", "vote", "best", "synthesize"):
            raise ValueError(f"{value!r} is known, but this version cannot honour it yet")
        return value

    @field_validator("version")
    @classmethod
    def _semantic(cls, value: str) -> str:
        try:
            Version(value)
        except InvalidVersion as error:
            raise ValueError(f'{value!r} is no version: write three numbers, such as "1.0.0"') from error
        return value


def template_from_toml(text: str, file: str, origin: str) -> Template:
    """The template that a file's text declares. Raises TemplateInvalid with every mistake in it."""
    source = read(text, file)
    if isinstance(source, Detail):
        raise _invalid(file, [source])
    try:
        table = TemplateTable.model_validate(source.data)
    except ValidationError as error:
        raise _invalid(file, refusals(error, source, TemplateTable, _is_not_yet)) from error
    if mistakes := _contradictions(table, source):
        raise _invalid(file, mistakes)
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
        join=None if table.join is None else JoinStrategy(table.join),
        success_threshold=table.success_threshold,
        retries=table.retries,
        complexity=table.complexity,
        estimated_seconds=table.estimated_seconds,
        operation=table.operation,
        origin=origin,
        text=text,
    )


def _contradictions(table: TemplateTable, source: Source) -> list[Detail]:
    """What is wrong between one field and another: names that are declared nowhere, or twice."""
    mistakes = [
        *(source.mistake(("parameters", name), f"{name} is taken; give the parameter another name") for name in table.parameters if name in _TAKEN),
        *_prompt_mistakes(table, source),
    ]
    names = [nested.name for nested in table.nested]
    for place, nested in enumerate(table.nested):
        key: Key = ("nested", place)
        if nested.name in names[:place] or nested.name == table.name:
            mistakes.append(source.mistake((*key, "name"), f"{nested.name} is there twice; each nested template has a name of its own"))
        mistakes.extend(
            source.mistake((*key, "parameters"), *_not_declared(name, table.parameters))
            for name in dict.fromkeys(PLACEHOLDER.findall(json.dumps(nested.parameters)))
            if name not in table.parameters
        )
        others = {*names, table.name} - {nested.name}
        for needed in nested.depends_on:
            if needed not in others:
                meant = nearest(needed, others)
                message = f"{nested.name} depends on {needed}, which is neither a sibling nor this template's own step ({table.name})"
                mistakes.append(source.mistake((*key, "depends_on"), message, f"did you mean {meant}?" if meant else None))
    return mistakes


def _prompt_mistakes(table: TemplateTable, source: Source) -> list[Detail]:
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


def _is_not_yet(key: Key) -> bool:
    return len(key) == 1 and key[0] in NOT_YET


def _invalid(file: str, mistakes: list[Detail]) -> TemplateInvalid:
    count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return TemplateInvalid(f"The template {file} has {count}.", details=mistakes)
