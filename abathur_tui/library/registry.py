"""All templates and agent definitions that hold in a folder: the project's over the user's over those that ship."""

from functools import cached_property
from pathlib import Path

from packaging.version import InvalidVersion, Version

from abathur_tui.domain.templates import AgentDefinition, Template
from abathur_tui.library.agent_file import AgentFolder, plain_name
from abathur_tui.library.template_file import template_from_toml

_BUILTIN = Path(__file__).parent / "builtin"


class FileRegistry:
    """The registry that reads files, each of them when it is first asked for.

    Templates are those that ship; agent definitions come from the project's `.claude/agents`, the user's, and those that ship,
    the first of a name winning.
    """

    def __init__(self, project_folder: Path | None = None, settings: object = None, *, home: Path | None = None) -> None:
        """`home`: whose `.claude/agents` are the user's; None is the current user's."""
        self._agent_folders = (
            *([AgentFolder(project_folder / ".claude" / "agents", "project", inside=project_folder)] if project_folder else []),
            AgentFolder((home or Path.home()) / ".claude" / "agents", "user"),
            AgentFolder(_BUILTIN / "agents", "builtin"),
        )
        self._template_layers = ((_BUILTIN / "templates", "builtin"),)

    def template(self, name: str, version: str | None = None) -> Template | None:
        """The newest template of that name in the highest layer that has it, or exactly that version from any; None where there is none."""
        versions = self._templates.get(name, [])
        if version is None:
            return versions[0] if versions else None
        return next((template for template in versions if _same(template.version, version)), None)

    def template_names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(self._templates)

    def versions(self, name: str) -> tuple[str, ...]:
        """All versions of a template, in the order in which they are preferred; empty where there is no such name."""
        return tuple(template.version for template in self._templates.get(name, []))

    def templates(self) -> tuple[Template, ...]:
        """Every version of every template, sorted by name, preferred versions first."""
        return tuple(template for versions in self._templates.values() for template in versions)

    def agent(self, name: str) -> AgentDefinition | None:
        """The definition of that name (`_` and `-` are the same); None where there is none."""
        return self._agents.get(plain_name(name))

    def agent_names(self) -> tuple[str, ...]:
        """All names of agent definitions, sorted."""
        return tuple(sorted(definition.name for definition in self._agents.values()))

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told of files that were left out, after reading all of them."""
        return tuple(notice for folder in self._agent_folders for notice in folder.notices)

    @cached_property
    def _templates(self) -> dict[str, list[Template]]:
        found: dict[str, list[Template]] = {}
        for folder, origin in self._template_layers:
            layer = [template_from_toml(path.read_text(encoding="utf-8"), str(path), origin) for path in sorted(folder.glob("*.toml"))]
            for template in sorted(layer, key=lambda template: Version(template.version), reverse=True):
                versions = found.setdefault(template.name, [])
                if not any(_same(template.version, other.version) for other in versions):
                    versions.append(template)
        return dict(sorted(found.items()))

    @cached_property
    def _agents(self) -> dict[str, AgentDefinition]:
        found: dict[str, AgentDefinition] = {}
        for folder in self._agent_folders:
            for definition in folder.definitions:
                found.setdefault(plain_name(definition.name), definition)
        return found


def _same(version: str, other: str) -> bool:
    try:
        return Version(version) == Version(other)
    except InvalidVersion:
        return False
