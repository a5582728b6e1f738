"""A small registry for tests of the language: templates as they are needed, and three agents."""

from dataclasses import replace

from abathur_tui.domain.templates import AgentDefinition, Nested, Nesting, Parameter, ParameterKind, Template, TemplateKind

STRING, NUMBER, BOOLEAN = ParameterKind.STRING, ParameterKind.NUMBER, ParameterKind.BOOLEAN
ARRAY, OBJECT, ENUM = ParameterKind.ARRAY, ParameterKind.OBJECT, ParameterKind.ENUM


def template(name: str, *parameters: Parameter, **fields: object) -> Template:
    """A template whose subject is `about`, unless parameters are given."""
    declared = parameters or (Parameter("about", STRING, required=True),)
    plain = Template(name, "1.0.0", "", "test", TemplateKind.AGENT, declared, "worker", "{{ about }}", estimated_seconds=10)
    return replace(plain, **fields)  # type: ignore[arg-type]


ASK = template("ASK")
CODE = template(
    "CODE",
    Parameter("component", STRING, required=True, description="What to build"),
    Parameter("language", STRING),
    Parameter("style", ENUM, choices=("plain", "terse"), default="plain"),
    nested=(Nested("tests", "TEST", parameters={"target": "{{ component }}", "language": "{{ language }}"}, depends_on=("CODE",)),),
    nesting=Nesting.INPUTS,
    extra=True,
)
TEST = template(
    "TEST",
    Parameter("target", STRING, required=True),
    Parameter("test_types", ARRAY),
    Parameter("coverage_target", NUMBER),
    Parameter("strict", BOOLEAN),
    Parameter("settings", OBJECT),
    Parameter("language", STRING),
    extra=True,
)
PARTS = template("PARTS", Parameter("about", STRING, required=True), Parameter("parts", ARRAY), nesting=Nesting.PARTS)
LOOP = template(
    "LOOP",
    Parameter("about", STRING, required=True),
    *(Parameter(name, STRING) for name in ("metric", "measure", "direction")),
    Parameter("target", NUMBER),
    kind=TemplateKind.LOOP,
)


class SmallRegistry:
    """Templates and agents of a test."""

    def __init__(self, *more: Template) -> None:
        self._templates: dict[str, list[Template]] = {}
        for one in (ASK, CODE, TEST, PARTS, LOOP, replace(ASK, version="0.9.0"), *more):
            self._templates.setdefault(one.name, []).append(one)

    def template(self, name: str, version: str | None = None) -> Template | None:
        return next((one for one in self._templates.get(name, []) if version in (None, one.version)), None)

    def template_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._templates))

    def versions(self, name: str) -> tuple[str, ...]:
        return tuple(one.version for one in self._templates.get(name, []))

    def agent(self, name: str) -> AgentDefinition | None:
        plain = name.replace("_", "-")
        return AgentDefinition(plain, "", "") if plain in self.agent_names() else None

    def agent_names(self) -> tuple[str, ...]:
        return ("worker", "tester", "code-generator")
