"""Two templates side by side: versions of one name, or what one layer puts in front of another's."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff

from abathur_tui.domain.errors import ArgumentInvalid, NotFound
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.templates import Template
from abathur_tui.library.registry import FileRegistry
from abathur_tui.library.shelf import same_version

ORIGINS = ("project", "user", "builtin")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`[LAYER:]NAME[@VERSION]`, as people write which template they mean."""

    name: str
    version: str | None = None
    origin: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Wanted":
        """Raises ArgumentInvalid for a layer that is none."""
        origin, colon, rest = text.partition(":")
        if colon and origin not in ORIGINS:
            raise ArgumentInvalid(f"{text}: {origin} is no layer.", hint=f"Write {', '.join(f'{one}:NAME' for one in ORIGINS)} or just NAME.")
        name, _, version = (rest if colon else text).partition("@")
        return cls(name, version or None, origin if colon else None)

    def __str__(self) -> str:
        """As it was written."""
        return f"{f'{self.origin}:' if self.origin else ''}{self.name}{f'@{self.version}' if self.version else ''}"

    def among(self, templates: Sequence[Template]) -> list[Template]:
        """Those that it may mean."""
        return [
            one
            for one in templates
            if one.name == self.name
            and (self.version is None or same_version(one.version, self.version))
            and (self.origin is None or one.origin == self.origin)
        ]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different between two templates' texts."""

    left: Template
    right: Template
    lines: tuple[str, ...]
    """A unified diff; empty where the texts are the same."""


def found(wanted: Wanted, registry: FileRegistry) -> Template:
    """The template that is meant. Raises NotFound, and TemplateInvalid where its file is broken."""
    if wanted.origin is None and (template := registry.template(wanted.name, wanted.version)) is not None:
        return template
    if matching := wanted.among(registry.every(wanted.name)):
        return matching[0]
    raise not_found(wanted, registry)


def not_found(wanted: Wanted, registry: FileRegistry) -> NotFound:
    """The error for a template that is not there, with what is."""
    every = registry.every(wanted.name)
    there = ", ".join(f"{one.origin}:{one.name}@{one.version}" for one in every)
    meant = None if every else nearest(wanted.name, registry.template_names())
    hint = f"There is {there}." if there else f"Did you mean {meant}?" if meant else "`abathur template list` shows all."
    return NotFound(f"There is no template {wanted}.", hint=hint)


def difference(registry: FileRegistry, first: str, second: str | None = None) -> Difference:
    """From the first to the second, each `[LAYER:]NAME[@VERSION]`; of one alone, from what it stands in front of to it. Raises NotFound."""
    right = found(Wanted.parse(second or first), registry)
    if second is not None:
        return _difference(found(Wanted.parse(first), registry), right)
    every = registry.every(right.name)
    behind = every[every.index(right) + 1 :]
    if not behind:
        raise NotFound(f"{right.name} {right.version} ({right.origin}) stands in front of no other.", hint="Name two templates.")
    return _difference(behind[0], right)


def _difference(left: Template, right: Template) -> Difference:
    lines = unified_diff(left.text.splitlines(), right.text.splitlines(), _named(left), _named(right), lineterm="")
    return Difference(left, right, tuple(lines))


def _named(template: Template) -> str:
    return f"{template.origin}:{template.name}@{template.version}"
