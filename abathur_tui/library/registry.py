"""All templates and agent definitions that hold in a folder: the project's over the user's over those that ship."""

from functools import cached_property
from pathlib import Path

from abathur_tui.domain.templates import AgentDefinition, Template
from abathur_tui.library.agent_file import AgentFolder, plain_name
from abathur_tui.library.shelf import Layer, Shelf
from abathur_tui.settings import Settings

_BUILTIN = Path(__file__).parent / "builtin"


class FileRegistry:
    """The registry that reads files, each of them when it is first asked for.

    Templates are those that ship; agent definitions come from the project's `.claude/agents`, the user's, and those that ship,
    the first of a name winning.
    """

    def __init__(self, project_folder: Path | None = None, settings: Settings | None = None, *, home: Path | None = None) -> None:
        """`settings`: none of them touches the library in this version. `home`: whose `.claude/agents` are the user's; None is the current user's."""
        home = home or _home()
        self._agent_folders = (
            *([AgentFolder(project_folder / ".claude" / "agents", "project", inside=project_folder)] if project_folder else []),
            *([AgentFolder(home / ".claude" / "agents", "user")] if home else []),
            AgentFolder(_BUILTIN / "agents", "builtin"),
        )
        self._shelf = Shelf([Layer(_BUILTIN / "templates", "builtin")])

    def template(self, name: str, version: str | None = None) -> Template | None:
        """The newest template of that name, or exactly that version; None where there is none."""
        return self._shelf.template(name, version)

    def template_names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(self._shelf.by_name)

    def versions(self, name: str) -> tuple[str, ...]:
        """All versions of a template, in the order in which they are preferred; empty where there is no such name."""
        return tuple(template.version for template in self._shelf.by_name.get(name, ()))

    def templates(self) -> tuple[Template, ...]:
        """Every version of every template, sorted by name, preferred versions first."""
        return tuple(template for versions in self._shelf.by_name.values() for template in versions)

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
    def _agents(self) -> dict[str, AgentDefinition]:
        found: dict[str, AgentDefinition] = {}
        for folder in self._agent_folders:
            for definition in folder.definitions:
                found.setdefault(plain_name(definition.name), definition)
        return found


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home, as containers have them
        return None
