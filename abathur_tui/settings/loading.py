"""Settings from all their layers, highest first: flags, environment, `.abathur/local.toml`, the user's file, `.abathur/config.toml`, defaults."""

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import platformdirs
from pydantic import BaseModel, ValidationError

from abathur_tui.domain.errors import ConfigInvalid, Detail
from abathur_tui.settings.model import Section, Settings
from abathur_tui.settings.not_yet import is_not_yet
from abathur_tui.settings.toml import Key, Source, dotted, read, refusals

Values: TypeAlias = dict[tuple[str, ...], object]

_PREFIX = "ABATHUR_"
_PROFILE = "ABATHUR_PROFILE"
_MOST_BYTES = 1_048_576
_LEASE, _HEARTBEAT = ("queue", "lease_seconds"), ("queue", "heartbeat_seconds")
_FOLDERS = ("templates", "folders")
_UNTRUSTED = (("api", "runtime"), ("api", "base_url"), ("runtimes",), ("queue", "on_status"))
"""What a project's own files cannot choose: programs, commands, addresses and runtimes."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each value came from."""

    settings: Settings
    origin: Mapping[str, str]
    """For each key (`queue.max_size`): `default`, `flag`, the variable's name, or `file:line`."""
    notices: tuple[str, ...] = ()
    """What the user should be told: values that do not count."""


@dataclass(frozen=True, slots=True)
class _Layer:
    values: Values
    origins: Mapping[tuple[str, ...], str]


def load(project_folder: Path | None, *, environ: Mapping[str, str] = os.environ, flags: Mapping[str, object] | None = None) -> Loaded:
    """The settings that hold in this folder. `flags` are values by dotted key. Raises ConfigInvalid with every mistake of every layer."""
    mistakes: list[Detail] = []
    notices: list[str] = []
    layers: list[_Layer] = []
    folder = None if project_folder is None else data_folder(project_folder, environ)
    if folder is not None:
        layers.append(_file_layer(folder / "config.toml", mistakes, notices, trusted=False))
    layers.append(_file_layer(user_file(), mistakes, notices, trusted=True))
    if folder is not None:
        layers.append(_file_layer(folder / "local.toml", mistakes, notices, trusted=False))
    layers.append(_text_layer(_environment(environ), mistakes))
    layers.append(_text_layer({tuple(key.split(".")): (value, "flag") for key, value in (flags or {}).items()}, mistakes))
    if environ.get(_PROFILE):
        mistakes.append(Detail("profiles are known, but this version cannot honour them yet", file=_PROFILE, suggestion="leave it out"))
    if mistakes:
        raise _invalid(mistakes)
    merged: Values = {}
    origin = {dotted(key): "default" for key in keys()}
    for layer in layers:
        merged |= layer.values
        origin |= {dotted(key): place for key, place in layer.origins.items()}
    settings = _heartbeat_that_fits(Settings.model_validate(_nested(merged)), merged)
    if mistakes := _contradictions(settings, origin):
        raise _invalid(mistakes)
    return Loaded(settings, origin, tuple(notices))


def user_file() -> Path:
    """The user's own configuration, in the platform's folder for it."""
    return platformdirs.user_config_path("abathur") / "config.toml"


def keys(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key that holds a value, in the order of the model."""
    found: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found += keys(field.annotation, (*path, name))
        else:
            found.append((*path, name))
    return found


def data_folder(project_folder: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Abathur's own folder of a project: `.abathur` in it, or where ABATHUR_DATA_DIR says."""
    moved = environ.get("ABATHUR_DATA_DIR")
    return Path(moved).absolute() if moved else project_folder / ".abathur"


def _file_layer(path: Path, mistakes: list[Detail], notices: list[str], *, trusted: bool) -> _Layer:
    """A file's values. Mistakes and notices are added to the lists."""
    nothing = _Layer({}, {})
    try:
        text = _text_of(path, links=trusted)
    except (OSError, ValueError) as error:
        mistakes.append(Detail(f"the file cannot be read: {_reason(error)}", file=str(path)))
        return nothing
    if text is None:
        return nothing
    source = read(text, str(path))
    if isinstance(source, Detail):
        mistakes.append(source)
        return nothing
    if not trusted:
        for key in _take_untrusted(source):
            place = source.mistake(key, "")
            notices.append(f"{_place(place)}: {dotted(key)} does not count in a project's file; set it in {user_file()}, the environment or a flag.")
        for folder in _take_folders_elsewhere(source):
            place = source.mistake(_FOLDERS, "")
            notices.append(f"{_place(place)}: the folder {folder} does not count: a project's file can name only folders inside the project.")
    mistakes.extend(_mistakes(source))
    values = _flat(source.data)
    return _Layer(values, {key: _place(source.mistake(key, "")) for key in values})


def _text_of(path: Path, *, links: bool) -> str | None:
    """The file's text; None where there is none. Raises OSError, or ValueError for what is no plain small text file."""
    try:
        status = path.stat() if links else path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no regular file")
    if status.st_size > _MOST_BYTES:
        raise ValueError(f"it is longer than {_MOST_BYTES} bytes")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no UTF-8 text (byte {error.start})") from error


def _take_untrusted(source: Source) -> list[Key]:
    """Remove from the data what a project's file cannot choose; the keys that were there."""
    taken: list[Key] = []
    for *tables, last in _UNTRUSTED:
        table: object = source.data
        for name in tables:
            table = table.get(name) if isinstance(table, dict) else None
        if isinstance(table, dict) and last in table:
            taken.extend(_flat({last: table.pop(last)}, tuple(tables)))
    return taken


def _take_folders_elsewhere(source: Source) -> list[str]:
    """Remove from the data the template folders that are not inside the project by their very name; those that were there."""
    table = source.data.get(_FOLDERS[0])
    folders = table.get(_FOLDERS[1]) if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(folders, list):
        return []
    elsewhere = [folder for folder in folders if isinstance(folder, str) and (folder.startswith(("/", "~")) or ".." in Path(folder).parts)]
    table[_FOLDERS[1]] = [folder for folder in folders if folder not in elsewhere]
    return elsewhere


def _environment(environ: Mapping[str, str]) -> dict[tuple[str, ...], tuple[object, str]]:
    return {
        tuple(part.lower() for part in name.removeprefix(_PREFIX).split("__")): (value, name)
        for name, value in environ.items()
        if name.startswith(_PREFIX) and "__" in name
    }


def _text_layer(given: Mapping[tuple[str, ...], tuple[object, str]], mistakes: list[Detail]) -> _Layer:
    """Values that come one by one, each with the name of its place; a text may be the JSON of a list, table or number."""
    values: Values = {}
    origins: dict[tuple[str, ...], str] = {}
    for key, (value, place) in given.items():
        values[key], origins[key] = _from_text(key, value) if isinstance(value, str) else value, place
        mistakes.extend(_mistakes(Source(place, "", _nested({key: values[key]}), {})))
    return _Layer(values, origins)


def _from_text(key: tuple[str, ...], text: str) -> object:
    """The text itself where the setting takes a text, else the JSON that it is, else itself again."""
    try:
        Settings.model_validate(_nested({key: text}))
    except ValidationError:
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text


def _mistakes(source: Source) -> list[Detail]:
    try:
        Settings.model_validate(source.data)
    except ValidationError as error:
        return refusals(error, source, Settings, is_not_yet)
    return []


def _heartbeat_that_fits(settings: Settings, merged: Values) -> Settings:
    """Where only the lease is given, the beat follows it: a third of it, and no more than the default."""
    if _HEARTBEAT in merged or _LEASE not in merged:
        return settings
    beat = min(settings.queue.heartbeat_seconds, settings.queue.lease_seconds / 3)
    return settings.model_copy(update={"queue": settings.queue.model_copy(update={"heartbeat_seconds": beat})})


def _contradictions(settings: Settings, origin: Mapping[str, str]) -> list[Detail]:
    queue = settings.queue
    if queue.heartbeat_seconds <= queue.lease_seconds / 2:
        return []
    message = f"queue.heartbeat_seconds ({queue.heartbeat_seconds:g}) must be at most half of queue.lease_seconds ({queue.lease_seconds:g})"
    return [Detail(message, file=origin[dotted(_HEARTBEAT)])]


def _nested(values: Values) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for (*tables, last), value in values.items():
        table = tree
        for name in tables:
            table = table.setdefault(name, {})
        table[last] = value
    return tree


def _flat(table: Mapping[str, object], path: tuple[str, ...] = ()) -> Values:
    """Values by key; a setting whose value is a table of what the user names is one value."""
    values: Values = {}
    for name, value in table.items():
        key = (*path, name)
        values |= _flat(value, key) if isinstance(value, dict) and key not in _KEYS else {key: value}
    return values


_KEYS = frozenset(keys())


def _place(detail: Detail) -> str:
    return detail.file or "" if detail.line is None else f"{detail.file}:{detail.line}"


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _invalid(mistakes: list[Detail]) -> ConfigInvalid:
    count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return ConfigInvalid(f"The configuration has {count}.", details=mistakes)
