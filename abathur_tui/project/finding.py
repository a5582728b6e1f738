"""Finding the project that a command is about, and making one."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.errors import DiskFailing, DiskFull, NotFound, ProjectGone, ProjectNotFound, ProjectNotWritable
from abathur_tui.storage.drafts import draft, naming
from abathur_tui.storage.files import sync

DATA_FOLDER = ".abathur"

_CONFIG = """\
# Abathur's settings for everybody who works on this project. Every key is optional; `abathur config show` lists them all.
# Your own settings go into local.toml beside this file (git-ignored), or into your user's config file: `abathur config path`.
# Runtimes, commands and addresses cannot be set here: a cloned repository must not choose what runs on your machine.

# [queue]
# max_retries = 3
# task_timeout_seconds = 1800

# [swarm]
# max_agents = 10

# [loop]
# max_iterations = 10

# [fork]
# success_threshold = 0.8
"""
_IGNORE = """\
# Only settings and templates are for everybody; all else in this folder is this machine's own.
*
!.gitignore
!config.toml
!templates/
!templates/**
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project is."""

    folder: Path
    """What agents work on; absolute, links resolved."""
    data: Path
    """Abathur's own folder: `.abathur` in it, or where ABATHUR_DATA_DIR says."""


def find(explicit: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Place | None:
    """The project that `explicit` or ABATHUR_PROJECT names, else the nearest one from the current folder up; None where there is none.

    The way up ends at the first folder of another owner, and an `.abathur` of another owner is not ours: who can write
    above us must not choose our project. Raises ProjectNotWritable where `.abathur` is a link.
    """
    named = _named(explicit, environ)
    if moved := environ.get("ABATHUR_DATA_DIR"):
        place = Place(named or _nearest(DATA_FOLDER) or _home(), Path(moved).absolute())
        return place if _is_data_folder(place.data, anybodys=True) else None
    if named:
        return Place(named, named / DATA_FOLDER) if _is_data_folder(named / DATA_FOLDER, anybodys=True) else None
    folder = _nearest(DATA_FOLDER)
    return Place(folder, folder / DATA_FOLDER) if folder else None


def make(explicit: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Place:
    """The folders and files of a new project, but for its database: where it was named, else at the top of the git repository, else here.

    What is there already is left as it is. Raises ProjectNotWritable, DiskFull or DiskFailing.
    """
    folder = _named(explicit, environ) or _home()
    moved = environ.get("ABATHUR_DATA_DIR")
    place = Place(folder, Path(moved).absolute() if moved else folder / DATA_FOLDER)
    if not _is_data_folder(place.data, anybodys=True) and place.data.exists():
        raise ProjectNotWritable(f"{place.data} is not a folder.", hint="Move it away, or name another folder with --project.")
    try:
        place.data.mkdir(mode=0o700, parents=bool(moved), exist_ok=True)
        _write_new(place.data / ".gitignore", _IGNORE)
        _write_new(place.data / "config.toml", _CONFIG)
    except OSError as error:
        raise not_writable(place.data, error) from error
    return place


def not_writable(path: Path, error: OSError) -> ProjectNotWritable | DiskFull | DiskFailing:
    """The error for a file or folder of the project that cannot be written."""
    reason = (error.strerror or str(error)).lower()
    if error.errno == errno.EIO:
        return DiskFailing(f"{path} cannot be written: {reason}.")
    if "space" in reason or "quota" in reason:
        return DiskFull(f"{path} cannot be written: {reason}.")
    return ProjectNotWritable(f"{path} cannot be written: {reason}.")


def _named(explicit: Path | None, environ: Mapping[str, str]) -> Path | None:
    name = explicit or (Path(environ["ABATHUR_PROJECT"]) if environ.get("ABATHUR_PROJECT") else None)
    if name is None:
        return None
    try:
        folder = name.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise NotFound(f"There is no folder {name}.", hint="--project and ABATHUR_PROJECT name the project's folder.") from error
    if not folder.is_dir():
        raise NotFound(f"There is no folder {name}.", hint="--project and ABATHUR_PROJECT name the project's folder.")
    return folder.parent if folder.name == DATA_FOLDER else folder


def _current() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise ProjectGone("The current folder was removed.", hint="Change into a folder that is there.") from error


def _upwards() -> list[Path]:
    """The current folder and those above it that belong to this user."""
    start = _current()
    folders = [start]
    for folder in start.parents:
        try:
            if folder.stat().st_uid != os.geteuid():
                break
        except OSError:
            break
        folders.append(folder)
    return folders


def _nearest(name: str) -> Path | None:
    for folder in _upwards():
        if name == DATA_FOLDER and _is_data_folder(folder / name):
            return folder
        if name != DATA_FOLDER and (folder / name).exists():
            return folder
    return None


def _home() -> Path:
    """Where a new project goes: the top of the git repository, else the current folder."""
    return _nearest(".git") or _current()


def _is_data_folder(path: Path, *, anybodys: bool = False) -> bool:
    try:
        if path.is_symlink():
            raise ProjectNotWritable(
                f"{path} is a link; Abathur's folder never is one.", hint="Remove the link, or name another folder with --project."
            )
        return path.is_dir() and (anybodys or path.stat().st_uid == os.geteuid())
    except PermissionError as error:
        raise ProjectNotWritable(f"{path} cannot be read: {(error.strerror or '').lower()}.") from error


def _write_new(path: Path, text: str) -> None:
    """A file that is whole or not there: half of one that a killed `init` has left would stay for ever. Raises OSError."""
    if os.path.lexists(path):
        return
    with draft(path) as unnamed, naming(path):
        unnamed.write_text(text, encoding="utf-8")
        sync(unnamed)
        try:
            os.link(unnamed, path)
        except FileExistsError:
            return  # somebody was faster
        except OSError:
            unnamed.rename(path)  # some file systems have no hard links
        sync(path.parent)


def found(explicit: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Place:
    """The project, as `find` finds it. Raises ProjectNotFound."""
    place = find(explicit, environ=environ)
    if place is None:
        where = _named(explicit, environ)
        raise ProjectNotFound(f"There is no Abathur project in {where}." if where else f"There is no Abathur project in {_current()} or above it.")
    return place
