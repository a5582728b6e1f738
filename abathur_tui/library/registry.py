"""All templates and agent definitions that hold in a folder: the project's over the user's over those that ship."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.notices import Notice
from abathur_tui.domain.templates import AgentDefinition, Template
from abathur_tui.library import telling
from abathur_tui.library.agent_file import plain_name, read_agent
from abathur_tui.library.folder import Folder, Place
from abathur_tui.library.places import agent_places, template_places
from abathur_tui.library.shelf import Shelf, layer_of
from abathur_tui.library.template_file import read_template
from abathur_tui.settings import Settings


@dataclass(frozen=True, slots=True)
class _State:
    """All that was read, at one moment."""

    shelf: Shelf
    agents: Mapping[str, AgentDefinition]
    """By plain name."""
    notices: tuple[Notice, ...]


class FileRegistry:
    """The registry that reads files: when it is first asked, and again at `reload`. Threads may share it.

    A file that breaks while the process lives keeps its last good version; one that was broken from the start has none, and a template
    that it was to hold is an error where it is asked for.
    """

    def __init__(
        self,
        project_folder: Path | None = None,
        settings: Settings | None = None,
        *,
        home: Path | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`settings`: `templates.folders` counts. `home`: in whose home the user's files are; None is the current user, by the platform's rules."""
        self._places: Callable[[Sequence[str]], list[Place]] = lambda folders: template_places(project_folder, folders, home, environ)
        self._templates = [Folder(place, ".toml", read_template) for place in self._places((settings or Settings()).templates.folders)]
        self._agents = [Folder(place, ".md", read_agent, deep=True) for place in agent_places(project_folder, home)]
        self._lock = threading.Lock()
        self._last: _State | None = None

    def use(self, settings: Settings) -> None:
        """Look for templates in the folders of these settings, from the next `reload` on."""
        known = {folder.place: folder for folder in self._templates}
        places = self._places(settings.templates.folders)
        if places != [folder.place for folder in self._templates]:
            with self._lock:
                self._templates = [known.get(place) or Folder(place, ".toml", read_template) for place in places]
            if self._last is not None:
                self.reload()

    def template(self, name: str, version: str | None = None) -> Template | None:
        """The newest template of that name, or exactly that version; None where there is none. Raises TemplateInvalid where its file is broken."""
        return self._state.shelf.template(name, version)

    def template_names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(self._state.shelf.by_name)

    def versions(self, name: str) -> tuple[str, ...]:
        """All versions of a template, in the order in which they are preferred; empty where there is no such name."""
        return tuple(template.version for template in self._state.shelf.by_name.get(name, ()))

    def templates(self) -> tuple[Template, ...]:
        """Every version of every template, sorted by name, preferred versions first."""
        return tuple(template for versions in self._state.shelf.by_name.values() for template in versions)

    def every(self, name: str) -> list[Template]:
        """All templates of that name, higher layers first: those too that another one stands in front of."""
        return self._state.shelf.every(name)

    def agent(self, name: str) -> AgentDefinition | None:
        """The definition of that name (`_` and `-` are the same); None where there is none."""
        return self._state.agents.get(plain_name(name))

    def agent_names(self) -> tuple[str, ...]:
        """All names of agent definitions, sorted."""
        return tuple(sorted(definition.name for definition in self._state.agents.values()))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the user should be told of the files as they are: which of them do not count, and why."""
        return self._state.notices

    def reload(self) -> tuple[Notice, ...]:
        """Read the files again; what that has changed, each a notice to show. What was given out before stays as it is."""
        with self._lock:
            before = self._last
            templates = [change for folder in self._templates for change in folder.refresh()]
            agents = [change for folder in self._agents for change in folder.refresh()]
            self._last = self._made()
            if before is None:
                return ()
            told = [*map(telling.template_changed, templates), *map(telling.agent_changed, agents)]
            return (*told, *(notice for notice in self._last.notices if notice not in before.notices and notice not in told))

    def files(self) -> list[Path]:
        """The files of the project's and the user's templates, broken ones too."""
        assert self._state
        return [path for folder in self._templates if folder.place.origin != "builtin" for path in folder.entries]

    def origin_of(self, folder: Path) -> str | None:
        """Whose templates lie in the folder: `project`, `user` or `builtin`; None where it is no folder of templates."""
        return next((one.place.origin for one in self._templates if one.place.path == folder), None)

    def folders(self) -> list[Path]:
        """The folders whose files these are, as far as they are there."""
        templates = [path for folder in self._templates for path in folder.folders()]
        return templates + [path for folder in self._agents for path in folder.folders()]

    @property
    def _state(self) -> _State:
        if self._last is None:
            self.reload()
        assert self._last is not None
        return self._last

    def _made(self) -> _State:
        layers = tuple(layer_of(folder.entries) for folder in self._templates)
        agents: dict[str, AgentDefinition] = {}
        for folder in self._agents:
            for entry in folder.entries.values():
                if entry.value is not None:
                    agents.setdefault(plain_name(entry.value.name), entry.value)
        notices = [
            *(notice for folder, layer in zip(self._templates, layers, strict=True) for notice in telling.of_templates(folder, layer)),
            *(notice for folder in self._agents for notice in telling.of_agents(folder)),
        ]
        return _State(Shelf(layers), agents, tuple(notices))
