"""Template files of several folders, higher ones first, with every version of a template side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.version import InvalidVersion, Version

from abathur_tui.domain.templates import Template
from abathur_tui.library.template_file import template_from_toml


@dataclass(frozen=True, slots=True)
class Layer:
    """A folder of template files, and whose they are."""

    folder: Path
    origin: str


class Shelf:
    """The templates of all layers, read when they are first asked for.

    Without a version, a name means the newest of the highest layer that has it. A version means exactly that one, from the highest layer
    that has it.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        """`layers`: highest first."""
        self._layers = tuple(layers)

    def template(self, name: str, version: str | None = None) -> Template | None:
        """The preferred template of that name, or exactly that version; None where there is none. Raises TemplateInvalid for a broken file."""
        versions = self.by_name.get(name, ())
        if version is None:
            return versions[0] if versions else None
        return next((template for template in versions if _same(template.version, version)), None)

    @cached_property
    def by_name(self) -> dict[str, tuple[Template, ...]]:
        """All versions under each name, names sorted, the preferred version first. Raises TemplateInvalid for a broken file."""
        found: dict[str, tuple[Template, ...]] = {}
        for layer in self._layers:
            files = [template_from_toml(path.read_text(encoding="utf-8"), str(path), layer.origin) for path in sorted(layer.folder.glob("*.toml"))]
            for template in sorted(files, key=lambda template: Version(template.version), reverse=True):
                versions = found.get(template.name, ())
                if not any(_same(template.version, other.version) for other in versions):
                    found[template.name] = (*versions, template)
        return dict(sorted(found.items()))


def _same(version: str, other: str) -> bool:
    try:
        return Version(version) == Version(other)
    except InvalidVersion:
        return False
