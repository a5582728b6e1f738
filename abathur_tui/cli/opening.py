"""Opening the project that a command is about, and telling the user what came up while doing so."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from abathur_tui.cli.output import note
from abathur_tui.cli.shared_options import Invocation
from abathur_tui.project import Project, find

if TYPE_CHECKING:
    from abathur_tui.project.workbench import Workbench


@contextmanager
def opened(call: Invocation, *, create: bool = False, looks: bool = False) -> Iterator[Project]:
    """The project; `create` for commands that write, which make one where there is none and say so; `looks` for those that read once.

    Raises ProjectNotFound.
    """
    actor = os.environ.get("ABATHUR_AGENT") or "user"
    with Project.open(call.project, create=create, looks=looks, actor=actor) as project:
        made = f"Made a project in {project.folder}." if project.made else ""
        if made and not call.quiet:
            note(made)
        yield project
        if made and call.hushed:
            note(made)  # only now: an error stands alone


def tell_notices(call: Invocation, notices: tuple[str, ...]) -> None:
    """What the settings' loading noticed."""
    if not call.quiet:
        for notice in notices:
            note(f"Note: {notice}")


def tell_files(call: Invocation, bench: "Workbench", text: str | None) -> None:
    """Which files of templates and agents do not count, and why; not for a plain prompt, which needs none of them. `text` None: a template."""
    if not call.quiet and (text is None or "ABYSSAL[" in text or '"template"' in text):
        tell_notices(call, tuple(map(str, bench.registry.notices)))


def workbench(call: Invocation) -> "Workbench":
    """Templates and settings of the project, where there is one, else the user's and those that ship."""
    from abathur_tui.project.workbench import Workbench  # pydantic, lark and jinja: 130 ms that `status` and `task list` must not pay
    from abathur_tui.settings import load

    place = find(call.project)
    bench = Workbench(place, load(place.folder if place else None))
    tell_notices(call, bench.loaded.notices)
    return bench


@contextmanager
def opened_if_there(call: Invocation) -> Iterator[Project | None]:
    """The project; None where there is none."""
    place = find(call.project)
    if place is None or not (place.data / "abathur.db").exists():
        yield None
        return
    with opened(call) as project:
        yield project
