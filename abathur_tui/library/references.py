"""What a template names outside itself: its agent, and the templates nested in it, checked as they would be where it is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.errors import AbathurError, Detail
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.templates import AgentDefinition, Nested, Parameter, ParameterKind, Registry, Template
from abathur_tui.language import PlanContext, plan_template, role_parameter
from abathur_tui.library.shelf import same_version
from abathur_tui.library.template_file import PLACEHOLDER
from abathur_tui.settings.toml import Key, Source

_SAMPLES: dict[str, Any] = {"string": "x", "number": 1, "boolean": True, "array": ["x"], "object": {"x": "x"}, "string or array": "x"}
"""A value of each type."""
_SAMPLES_BY_NAME: dict[str, Any] = {
    "priority": 5,
    "parallel": 1,
    "mode": "parallel",
    "join": "concatenate",
    "agent": "generalist",
    "timeout": 60,
    "retries": 1,
    "on_failure": "retry",
    "tags": ["x"],
    "expires": 60,
    "target": 1,
    "direction": "minimize",
    "max_iterations": 1,
    "criterion": "stability",
    "test_command": "make test",
    "loop_timeout": 60,
    "patience": 1,
    "success_criteria": ["quality"],
    "confidence": 0.8,
}
"""A value for what every command or loop takes, where it is no text."""


def reference_mistakes(template: Template, source: Source, registry: Registry) -> list[Detail]:
    """All that the template names and that is not there, or does not fit. `source` is its text, for the lines."""
    mistakes: list[Detail] = []
    role = role_parameter(template)
    if role is not None:
        if not any(parameter.name == role and parameter.kind is ParameterKind.STRING for parameter in template.parameters):
            mistakes.append(source.mistake(("agent",), f"{template.name} has no parameter {role} that is a string", "declare it"))
    elif registry.agent(template.agent) is None:
        meant = nearest(template.agent, registry.agent_names())
        mistakes.append(source.mistake(("agent",), f"there is no agent {template.agent}", f"did you mean {meant}?" if meant else None))
    together = _With(registry, template)
    if template.fallback is not None and (mistake := _fallback_mistake(template.fallback, together)) is not None:
        mistakes.append(source.mistake(("fallback",), *mistake))
    for place, nested in enumerate(template.nested):
        mistakes += _nested_mistakes(nested, ("nested", place), source, together)
    return mistakes


def _fallback_mistake(fallback: str, registry: Registry) -> tuple[str, str | None] | None:
    """What is wrong with the template that is to be done instead, and what was probably meant."""
    name, _, version = fallback.partition("@")
    template = registry.template(name, version or None)
    if template is None:
        meant = nearest(name, registry.template_names())
        return f"there is no template {fallback}", f"did you mean {meant}?" if meant else None
    return None


@dataclass(frozen=True, slots=True)
class _With:
    """A registry in which a template stands in front of all others of its name."""

    registry: Registry
    first: Template

    def template(self, name: str, version: str | None = None) -> Template | None:
        if name == self.first.name and (version is None or same_version(version, self.first.version)):
            return self.first
        return self.registry.template(name, version)

    def template_names(self) -> tuple[str, ...]:
        return tuple(sorted({*self.registry.template_names(), self.first.name}))

    def versions(self, name: str) -> tuple[str, ...]:
        own = (self.first.version,) if name == self.first.name else ()
        return (*own, *(version for version in self.registry.versions(name) if version not in own))

    def agent(self, name: str) -> AgentDefinition | None:
        return self.registry.agent(name)

    def agent_names(self) -> tuple[str, ...]:
        return self.registry.agent_names()


def _nested_mistakes(nested: Nested, key: Key, source: Source, registry: Registry) -> list[Detail]:
    """The mistakes of planning the nested template, with values in its placeholders that fit."""
    try:
        template = registry.template(nested.template, nested.version)
        declared = {} if template is None else {one.name: one for one in template.parameters}
        given = {name: _sample(value, name, declared) for name, value in nested.parameters.items()}
        if nested.loop:
            given.setdefault("criterion", "llm_judge")
        wanted = nested.template if nested.version is None else f"{nested.template}@{nested.version}"
        plan_template(wanted, given, registry, PlanContext(environ={}))
    except AbathurError as error:
        if not error.details:
            return [source.mistake(key, error.message)]
        return [_placed(detail, key, nested, source) for detail in error.details]
    return []


def _placed(detail: Detail, key: Key, nested: Nested, source: Source) -> Detail:
    """The mistake at the parameter that it is about, else at the nested template."""
    about = next((name for name in nested.parameters if f"`{name}`" in detail.message), None)
    if about is not None:
        return source.mistake((*key, "parameters", about), detail.message, detail.suggestion)
    where = "" if detail.file is None else f"{detail.file}{'' if detail.line is None else f':{detail.line}'}: "
    return source.mistake((*key, "template"), f"{where}{detail.message}", detail.suggestion)


def _sample(value: JsonValue, name: str, declared: Mapping[str, Parameter]) -> JsonValue:
    """The value as it could be once its placeholders are filled."""
    match value:
        case str():
            return _fitting(name, declared.get(name)) if PLACEHOLDER.fullmatch(value) else PLACEHOLDER.sub("x", value)
        case list():
            return [_sample(item, "", {}) for item in value]
        case dict():
            return {key: _sample(item, "", {}) for key, item in value.items()}
        case _:
            return value


def _fitting(name: str, parameter: Parameter | None) -> JsonValue:
    """A value that the parameter takes."""
    if parameter is None:
        return _SAMPLES_BY_NAME.get(name, "x")  # type: ignore[no-any-return]
    if name in _SAMPLES_BY_NAME and str(parameter.kind) == "string":
        return str(_SAMPLES_BY_NAME[name])
    return parameter.choices[0] if parameter.choices else _SAMPLES[parameter.kind]
