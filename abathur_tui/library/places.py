"""Where templates and agent definitions lie: the project's folders over the user's over ours."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from abathur_tui.library.folder import Place
from abathur_tui.settings import data_folder, user_file

_BUILTIN = Path(__file__).parent / "builtin"
_TEMPLATES = "templates"


def template_places(project: Path | None, folders: Sequence[str], home: Path | None, environ: Mapping[str, str]) -> list[Place]:
    """Folders of templates, highest first. `folders` are those that the configuration adds.

    What lies in the project is the project's, whoever named it; all else is the user's.
    """
    added = [path for folder in folders if (path := _added(folder, project, home)) is not None]
    inside = [path for path in added if project is not None and _lies_in(path, project)]
    outside = [path for path in added if path not in inside]
    places = [] if project is None else [project_templates(project, environ), *(Place(path, "project", project) for path in inside)]
    places += [Place(path, "user") for path in (user_templates(home), *outside)]
    return [*_once(places), Place(_BUILTIN / _TEMPLATES, "builtin")]


def project_templates(project: Path, environ: Mapping[str, str] = os.environ) -> Place:
    """The project's own folder of templates."""
    data = data_folder(project, environ)
    return Place(data / _TEMPLATES, "project", data)


def user_templates(home: Path | None = None) -> Path:
    """The user's own folder of templates."""
    return (user_file().parent if home is None else home / ".config" / "abathur") / _TEMPLATES


def agent_places(project: Path | None, home: Path | None) -> list[Place]:
    """Folders of agent definitions, highest first: Claude Code's own, then ours."""
    home = home or _home()
    claude = Path(".claude", "agents")
    return [
        *([Place(project / claude, "project", project)] if project else []),
        *([Place(home / claude, "user")] if home else []),
        Place(_BUILTIN / "agents", "builtin"),
    ]


def _added(folder: str, project: Path | None, home: Path | None) -> Path | None:
    """The folder that the configuration means; None for one in a project where there is none, or in the home of a user without one."""
    path = Path(folder)
    if path.parts[:1] == ("~",):
        home = home or _home()
        return home and home.joinpath(*path.parts[1:])
    if path.is_absolute():
        return path
    return project and project / path


def _lies_in(path: Path, project: Path) -> bool:
    return path.resolve().is_relative_to(project.resolve()) or Path(os.path.normpath(path)).is_relative_to(project)


def _once(places: Iterable[Place]) -> list[Place]:
    """Each folder where it stands highest."""
    return list({place.path: place for place in reversed(list(places))}.values())[::-1]


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home, as containers have them
        return None
