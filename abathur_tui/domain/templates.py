"""Templates and agent definitions as the language and the engine see them; `library` reads them from files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.plan import JoinWish
from abathur_tui.domain.success import Success


class ParameterKind(StrEnum):
    """The type that a template declares for a parameter."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    ENUM = "enum"
    TEXTS = "string or array"
    """Free text, or a list of it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter. The first one that a template declares is its subject."""

    name: str
    kind: ParameterKind
    required: bool = False
    default: JsonValue = None
    choices: tuple[str, ...] = ()
    """The values of an `enum(a,b,c)`; empty for other kinds."""
    suggestions: tuple[str, ...] = ()
    """Usual values of a free text; shown, never enforced."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Nested:
    """A template inside a template."""

    name: str
    """Its name among its siblings, which `depends_on` uses."""
    template: str
    version: str | None = None
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    """Values; a text may hold placeholders of the parent's parameters. Exactly `{{ name }}` passes the value as it is."""
    depends_on: tuple[str, ...] = ()
    """Names of siblings, or the parent template's own name for its own step."""
    required: bool = True
    alone: bool = False
    """Without what its own template nests."""
    loop: bool = False
    """Done in a loop, though its template is none."""


class Nesting(StrEnum):
    """How nested commands meet the template's own step."""

    INPUTS = "inputs"
    """They come first and feed the prompt, which is their synthesis."""
    PARTS = "parts"
    """They follow the template's own step and build on its brief; its own result is the output."""


class TemplateKind(StrEnum):
    """What a template's own step is."""

    AGENT = "agent"
    LOOP = "loop"
    FORK = "fork"
    """No step of its own: its nested templates side by side, and a join."""


@dataclass(frozen=True, slots=True)
class Template:
    """A named, versioned recipe."""

    name: str
    version: str
    description: str
    category: str
    kind: TemplateKind
    parameters: tuple[Parameter, ...]
    agent: str
    prompt: str
    """A Jinja text over the parameters and `results`."""
    nested: tuple[Nested, ...] = ()
    nesting: Nesting = Nesting.INPUTS
    extra: bool = False
    """Undeclared named parameters are let through, and reach the prompt as context (`extra = "allow"`)."""
    join: JoinWish | None = None
    """How its nested templates are joined; where it has none, its instances."""
    success_threshold: float | None = None
    retries: int | None = None
    complexity: int = 50
    estimated_seconds: float = 30.0
    memory_bytes: int | None = None
    """What a task of it needs."""
    cores: float | None = None
    operation: str = ""
    success: Success | None = None
    """What the result of its own step, or of a fork's join, must meet where the command says nothing else."""
    fallback: str | None = None
    """`NAME` or `NAME@VERSION`: what is done instead when it has failed for good."""
    origin: str = "builtin"
    """`builtin`, `user` or `project`."""
    text: str = ""
    """The file as it was read: what an execution keeps of it."""
    file: str = ""
    """The path of the file; empty for a template that was made otherwise."""

    @property
    def subject(self) -> Parameter | None:
        """The parameter that the first positional argument fills."""
        return self.parameters[0] if self.parameters else None


MADE = "agent:"
"""An agent definition that was made for an execution is kept with its templates, under this and its name."""


@dataclass(frozen=True, slots=True)
class AgentDefinition:
    """A specialised role, read from a Markdown file with front matter, as Claude Code reads it."""

    name: str
    """`_` and `-` are the same in it."""
    description: str
    prompt: str
    """The system prompt."""
    model: str | None = None
    tools: tuple[str, ...] | None = None
    """Names of the tools that it may use; None means all."""
    origin: str = "builtin"
    file: str = ""
    """The path of the file; empty for a definition that was made otherwise."""


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """How one version of a template has done in a project, from the tasks that were made of it. None where nothing was measured."""

    uses: int = 0
    """Tasks that were made of it."""
    judged: int = 0
    """Those that have ended otherwise than by being cancelled."""
    completed: int = 0
    mean_seconds: float | None = None
    """From the first start to the end, of those that completed."""
    mean_tokens: float | None = None
    """Input and output, of those that completed."""
    mean_cost_usd: float | None = None
    """Of those that completed and whose price is known."""

    @property
    def success_rate(self) -> float | None:
        """0 to 1, of those that were judged."""
        return self.completed / self.judged if self.judged else None


class Registry(Protocol):
    """What the language needs of the library."""

    def template(self, name: str, version: str | None = None) -> Template | None:
        """The newest template of that name, or exactly that version; None where there is none. Raises TemplateInvalid where its file is broken."""
        ...

    def template_names(self) -> tuple[str, ...]:
        """All names, for suggestions and completion."""
        ...

    def versions(self, name: str) -> tuple[str, ...]:
        """All versions of a template, newest first; empty where there is no such name."""
        ...

    def agent(self, name: str) -> AgentDefinition | None:
        """The definition of that name (`_` and `-` are the same); None where there is none."""
        ...

    def agent_names(self) -> tuple[str, ...]:
        """All names of agent definitions."""
        ...
