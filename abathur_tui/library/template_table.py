"""What may stand in a template's TOML file, field by field."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal, TypeAlias

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, field_validator, model_validator

from abathur_tui.domain.plan import ConflictRule, JoinStrategy, JoinWish
from abathur_tui.domain.quantities import bytes_of
from abathur_tui.domain.success import Success
from abathur_tui.domain.templates import Nested, Parameter, ParameterKind
from abathur_tui.language.success import CRITERIA, read_confidence, read_success
from abathur_tui.language.values import Mistake

_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"


def _size(value: object) -> object:
    return bytes_of(value) if isinstance(value, str) else value


def _spelled(pattern: str, what: str) -> AfterValidator:
    """A text that is spelled so, or a mistake that says how `what` is spelled."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} is no {what}")
        return value

    return AfterValidator(check)


Name: TypeAlias = Annotated[str, _spelled(_NAME, "name: a letter, then letters, digits, _ and -, 64 in all")]
ParameterName: TypeAlias = Annotated[str, _spelled(r"[A-Za-z_][A-Za-z0-9_]{0,63}", "parameter's name: letters, digits and _, 64 in all")]
TemplateName: TypeAlias = Annotated[str, _spelled(rf"{_NAME}(@[0-9A-Za-z.+-]+)?", "template: NAME, or NAME@VERSION")]
_VERSION_LETTERS = re.compile(r"[0-9A-Za-z.+-]{1,64}")
"""What may stand behind `@`."""
_TYPE = re.compile(r"(string|number|boolean|array|object|string or array)|enum\(([^()]+)\)")
_PYTHON_TYPES: dict[ParameterKind, tuple[type, ...]] = {
    ParameterKind.STRING: (str,),
    ParameterKind.TEXTS: (str, list),
    ParameterKind.NUMBER: (int, float),
    ParameterKind.BOOLEAN: (bool,),
    ParameterKind.ARRAY: (list,),
    ParameterKind.OBJECT: (dict,),
    ParameterKind.ENUM: (str,),
}


def _refused(read: Callable[[], object]) -> None:
    """What the language refuses is a mistake of the file."""
    try:
        read()
    except Mistake as mistake:
        raise ValueError(f"{mistake}{f': {mistake.suggestion}' if mistake.suggestion else ''}") from mistake


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ParameterTable(_Table):
    """`[parameters.NAME]`."""

    type: str = "string"
    """`string`, `number`, `boolean`, `array`, `object`, `string or array`, or `enum(a, b, c)`."""
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
    template: TemplateName
    """`NAME`, or `NAME@VERSION`."""
    parameters: dict[ParameterName, JsonValue] = {}
    depends_on: list[str] = []
    required: bool = True
    alone: bool = False
    loop: bool = False

    def nested(self) -> Nested:
        """What the language sees of it."""
        name, _, version = self.template.partition("@")
        return Nested(self.name, name, version or None, self.parameters, tuple(self.depends_on), self.required, self.alone, self.loop)


class JoinTable(_Table):
    """`[join]`; a text is its strategy alone. No command: what runs on a machine is written where the template is used."""

    strategy: Literal["concatenate", "merge", "reduce", "vote", "best", "synthesize"] | None = None
    conflicts: Literal["priority", "majority", "newest", "judge", "ask"] | None = None
    threshold: float | None = Field(default=None, ge=0, le=1)
    criteria: list[str] = []

    def wish(self) -> JoinWish:
        """What the language sees of it."""
        return JoinWish(
            None if self.strategy is None else JoinStrategy(self.strategy),
            conflicts=None if self.conflicts is None else ConflictRule(self.conflicts),
            threshold=self.threshold,
            criteria=tuple(self.criteria),
        )


class TemplateTable(_Table):
    """A template's file as a whole."""

    name: Name
    version: str = "1.0.0"
    description: str = ""
    category: str = "general"
    kind: Literal["agent", "loop", "fork"] = "agent"
    agent: str = "generalist"
    prompt: Annotated[str, StringConstraints(max_length=100_000)] = ""
    """Required but for a fork, which has no step of its own."""
    parameters: dict[ParameterName, ParameterTable] = {}
    extra: Literal["allow", "forbid"] = "forbid"
    nested: list[NestedTable] = []
    nesting: Literal["inputs", "parts"] = "inputs"
    join: JoinTable | None = None
    success_threshold: float | None = Field(default=None, ge=0, le=1)
    retries: int | None = Field(default=None, ge=0, le=100)
    complexity: int = Field(default=50, ge=0, le=100)
    estimated_seconds: float = Field(default=30.0, gt=0, le=2_592_000)
    memory: Annotated[int, BeforeValidator(_size), Field(gt=0, le=1024**5)] | None = None
    """What a task of it needs, in bytes or as `"2GB"`."""
    cpu: float | None = Field(default=None, gt=0, le=100_000)
    """How many cores it needs."""
    operation: str = ""
    success_criteria: list[str] | None = None
    """What a result must meet to count: `quality>=0.8`, `$ command`, or a sentence that a judge checks."""
    confidence: float | bool | None = None
    """How sure a judge must be at least that the result is right, 0 to 1; true is 0.8."""
    fallback: TemplateName | None = None
    """Done instead when this one has failed for good: `NAME`, or `NAME@VERSION`."""

    @field_validator("success_criteria")
    @classmethod
    def _criteria_can_be_read(cls, value: list[str] | None) -> list[str] | None:
        _refused(lambda: value is None or read_success(CRITERIA, [*value]))
        return value

    @field_validator("confidence")
    @classmethod
    def _a_share(cls, value: float | bool | None) -> float | bool | None:
        _refused(lambda: value is None or read_confidence("confidence", value))
        return value

    @property
    def success(self) -> Success | None:
        """What the language sees of both."""
        wanted = None if self.success_criteria is None else read_success(CRITERIA, [*self.success_criteria])
        least = None if self.confidence is None else read_confidence("confidence", self.confidence)
        return wanted if least is None else replace(wanted or Success(), confidence=least)

    @field_validator("join", mode="before")
    @classmethod
    def _strategy_alone(cls, value: object) -> object:
        return {"strategy": value} if isinstance(value, str) else value

    @field_validator("version")
    @classmethod
    def _semantic(cls, value: str) -> str:
        try:
            Version(value)
            if not _VERSION_LETTERS.fullmatch(value):
                raise InvalidVersion(value)
        except InvalidVersion as error:
            raise ValueError(f'{value!r} is no version: write three numbers, such as "1.0.0"') from error
        return value
