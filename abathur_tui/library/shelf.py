"""Every template of every layer side by side, and which of them a name and a version mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from packaging.version import InvalidVersion, Version

from abathur_tui.domain.errors import Detail
from abathur_tui.domain.templates import Template
from abathur_tui.library.folder import Entry
from abathur_tui.library.template_file import invalid

_FIELD = r"""^[ \t]*{}[ \t]*=[ \t]*["']([^"'\n]*)["']"""
_NAME, _VERSION = (re.compile(_FIELD.format(field), re.MULTILINE) for field in ("name", "version"))
_FIRST_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file with mistakes that never had a good version, as far as it says what it was to be."""

    file: Path
    name: str
    """Empty where it says none."""
    version: str | None
    """None where what it says is no version."""
    mistakes: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """What the files of one folder give."""

    templates: tuple[Template, ...]
    """One of each name and version: the newest first, then by file."""
    broken: tuple[BrokenFile, ...] = ()
    doubles: tuple[Template, ...] = ()
    """Those that are left out, because another file of the folder has their name and version."""

    def names(self) -> set[str]:
        """All that its files call themselves."""
        return {one.name for one in self.templates} | {one.name for one in self.broken}

    def named(self, name: str) -> tuple[tuple[Template, ...], tuple[BrokenFile, ...]]:
        """The templates and the broken files of that name."""
        return tuple(one for one in self.templates if one.name == name), tuple(one for one in self.broken if one.name == name)


class Shelf:
    """The templates of all layers.

    Without a version, a name means the newest of the highest layer that has it. A version means exactly that one, from the highest layer
    that has it. Where a broken file would be meant, there is an error, and not another template in its place.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        """`layers`: highest first."""
        self._layers = tuple(layers)
        self._named = [{name: layer.named(name) for name in layer.names()} for layer in layers]
        self.by_name: Mapping[str, tuple[Template, ...]] = _by_name(self._layers)
        """All versions that can be asked for under each name, names sorted, the preferred version first."""

    def template(self, name: str, version: str | None = None) -> Template | None:
        """The template that is meant; None where there is none. Raises TemplateInvalid where a broken file is meant."""
        for named in self._named:
            templates, broken_files = named.get(name, ((), ()))
            good = next((one for one in templates if version is None or same_version(one.version, version)), None)
            broken = next((one for one in broken_files if _may_be(one, version)), None)
            if broken is not None and (good is None or _newer(broken.version, good.version)):
                raise invalid(str(broken.file), broken.mistakes)
            if good is not None:
                return good
        return None

    def every(self, name: str) -> list[Template]:
        """All templates of that name, higher layers first, newest first within each: those too that another one stands in front of."""
        return [template for layer in self._layers for template in layer.templates if template.name == name]


def layer_of(entries: Mapping[Path, Entry[Template]]) -> Layer:
    """The layer that a folder's files make."""
    templates: list[Template] = []
    doubles: list[Template] = []
    found = [entry.value for entry in entries.values() if entry.value is not None]
    for template in sorted(found, key=lambda template: Version(template.version), reverse=True):
        twice = any(template.name == other.name and same_version(template.version, other.version) for other in templates)
        (doubles if twice else templates).append(template)
    broken = (_broken(path, entry) for path, entry in entries.items() if entry.value is None)
    return Layer(tuple(templates), tuple(broken), tuple(doubles))


@lru_cache(maxsize=1000)
def same_version(version: str, other: str) -> bool:
    """Whether two texts are one version: `1.0` and `1.0.0` are."""
    try:
        return Version(version) == Version(other)
    except InvalidVersion:
        return False


def next_free(version: str, taken: Sequence[str]) -> str:
    """The version after this one that is not taken: `1.0.1` after `1.0.0`."""
    major, minor, patch = (*Version(version).release, 0, 0)[:3]
    while any(same_version(f"{major}.{minor}.{patch}", other) for other in taken):
        patch += 1
    return f"{major}.{minor}.{patch}"


def _by_name(layers: Sequence[Layer]) -> dict[str, tuple[Template, ...]]:
    found: dict[str, tuple[Template, ...]] = {}
    for layer in layers:
        for template in layer.templates:
            versions = found.get(template.name, ())
            if not any(same_version(template.version, other.version) for other in versions):
                found[template.name] = (*versions, template)
    return dict(sorted(found.items()))


def _broken(path: Path, entry: Entry[Template]) -> BrokenFile:
    """What it says of itself at its top."""
    table = _FIRST_TABLE.search(entry.text)
    top = entry.text[: table.start()] if table else entry.text
    name, version = _NAME.search(top), _VERSION.search(top)
    said = version[1] if version else "1.0.0"
    return BrokenFile(path, name[1] if name else "", said if same_version(said, said) else None, entry.mistakes)


def _may_be(broken: BrokenFile, version: str | None) -> bool:
    return version is None or (broken.version is not None and same_version(broken.version, version))


def _newer(version: str | None, other: str) -> bool:
    return version is None or Version(version) > Version(other)
