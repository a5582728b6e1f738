"""The templates' files as people keep them: taken in, checked, removed."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from abathur_tui.domain.errors import ArgumentInvalid, Detail, ProjectNotWritable, TemplateFixed, TemplateInvalid, VersionTaken
from abathur_tui.domain.templates import Template
from abathur_tui.library.comparing import Wanted, not_found
from abathur_tui.library.folder import MOST_BYTES, Place, reason_of, text_of
from abathur_tui.library.intake import as_toml, source_of
from abathur_tui.library.places import project_templates, user_templates
from abathur_tui.library.references import reference_mistakes
from abathur_tui.library.registry import FileRegistry
from abathur_tui.library.shelf import next_free, same_version
from abathur_tui.library.template_file import invalid, looked_at, template_from_source, template_from_toml
from abathur_tui.settings.toml import Source

Whose: TypeAlias = Literal["project", "user"]


@dataclass(frozen=True, slots=True)
class Registered:
    """A template that was taken in."""

    template: Template
    new: bool
    """False where the same text was there already, and nothing was written."""


class TemplateFiles:
    """The files of the project's and the user's own templates."""

    def __init__(self, registry: FileRegistry, project: Path | None, *, home: Path | None = None, environ: Mapping[str, str] = os.environ) -> None:
        """`project`: None where there is none, and only the user's templates can be changed. `home`: as the registry has it."""
        self._registry = registry
        self._places: dict[Whose, Place] = {"user": Place(user_templates(home), "user")}
        if project is not None:
            self._places["project"] = project_templates(project, environ)

    def register(self, text: str, file: str, whose: Whose) -> Registered:
        """Keep a template, TOML or JSON, in a file of its own. `file` is its name in messages.

        Raises TemplateInvalid with every mistake, VersionTaken where that version exists with another text, ArgumentInvalid without a project,
        OSError where it cannot be written.
        """
        place = self._place(whose)
        template = self._checked(text, file, whose)
        for other in self._registry.every(template.name):
            if not same_version(other.version, template.version):
                continue
            if other.text.strip() != template.text.strip():
                raise self._taken(template, other.file)
            if other.origin == whose:
                return Registered(other, new=False)
        path = place.path / f"{template.name}@{template.version}.toml"
        _prepare(place)
        if not _write_new(path, template.text):
            raise self._taken(template, str(path))
        self._registry.reload()
        return Registered(template_from_toml(template.text, str(path), whose), new=True)

    def check(self, text: str, file: str) -> Template:
        """The template of a text, in a file that need not be there, with all that it names. Raises TemplateInvalid with every mistake."""
        return self._checked(text, file, self._whose(Path(file)))

    def check_files(self, files: Sequence[Path]) -> list[Template]:
        """The same of several files; without any, of all that are the project's or the user's. Raises TemplateInvalid with the mistakes of all."""
        templates: list[Template] = []
        mistakes: list[Detail] = []
        wrong: list[str] = []
        for path in files or self._registry.files():
            try:
                templates.append(self.check(text_of(path), str(path)))
            except TemplateInvalid as error:
                mistakes += error.details
                wrong.append(str(path))
            except (OSError, ValueError) as error:
                mistakes.append(Detail(f"it cannot be read: {reason_of(error)}", file=str(path)))
                wrong.append(str(path))
        if len(wrong) > 1:
            raise TemplateInvalid(f"{len(wrong)} template files have mistakes.", details=mistakes)
        if wrong:
            raise invalid(wrong[0], mistakes)
        return templates

    def to_remove(self, name: str) -> Template:
        """The template that `remove` would take away; `name` is `[LAYER:]NAME[@VERSION]`.

        Raises NotFound, TemplateFixed, and ArgumentInvalid where several versions could be meant.
        """
        wanted = Wanted.parse(name)
        matching = wanted.among(self._registry.every(wanted.name))
        if not matching:
            raise not_found(wanted, self._registry)
        own = [one for one in matching if Path(one.file).parent in [place.path for place in self._places.values()]]
        if not own:
            where = "ships with Abathur" if matching[0].origin == "builtin" else f"lies in {matching[0].file}, a folder that the configuration adds"
            raise TemplateFixed(f"{wanted} {where}.")
        highest = [one for one in own if one.origin == own[0].origin]
        if len(highest) > 1:
            versions = ", ".join(f"{one.origin}:{one.name}@{one.version}" for one in highest)
            raise ArgumentInvalid(f"{wanted} has several versions.", hint=f"Name one: {versions}.")
        return highest[0]

    def remove(self, name: str) -> Template:
        """Take a template's file away; what was queued with it goes on with the text that it kept. Raises as `to_remove`, and OSError."""
        template = self.to_remove(name)
        Path(template.file).unlink()
        self._registry.reload()
        return template

    def _place(self, whose: Whose) -> Place:
        if whose not in self._places:
            raise ArgumentInvalid("There is no project here to keep a template in.", hint="Run `abathur init`, or keep it for yourself with --user.")
        return self._places[whose]

    def _whose(self, path: Path) -> Whose:
        """Whose rules hold for a file: the project's for one in a folder of its templates."""
        return "project" if self._registry.origin_of(path.absolute().parent) == "project" else "user"

    def _checked(self, text: str, file: str, whose: Whose) -> Template:
        source = source_of(text, file)
        if isinstance(source, Detail):
            raise invalid(file, [source])
        template, mistakes = looked_at(source, whose)
        if template is not None:
            mistakes = [*mistakes, *reference_mistakes(template, source, self._registry)]
        if mistakes:
            raise invalid(file, mistakes)
        try:
            kept = as_toml(source)
        except ValueError as error:
            raise invalid(file, [Detail(str(error), file=file)]) from error
        if len(kept.encode()) > MOST_BYTES:
            raise invalid(file, [Detail(f"it is longer than {MOST_BYTES:,} bytes", file=file)])
        return template_from_source(Source(file, kept, source.data, source.lines), whose)

    def _taken(self, template: Template, file: str) -> VersionTaken:
        free = next_free(template.version, [one.version for one in self._registry.every(template.name)] + [template.version])
        return VersionTaken(
            f"{template.name} {template.version} exists already, with another text ({file}).",
            hint=f'The next free version is {free}: write version = "{free}" into the template.',
        )


def _prepare(place: Place) -> None:
    """The folder, which in a project is never a link out of it. Raises ProjectNotWritable or OSError."""
    if place.inside is not None and not place.path.resolve().is_relative_to(place.inside.resolve()):
        raise ProjectNotWritable(f"{place.path} is a link that leads out of the project.", hint="Make it a folder.")
    missing = [folder for folder in (place.path, *place.path.parents) if not folder.exists()]
    place.path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        _sync_names(folder.parent)


def _write_new(path: Path, text: str) -> bool:
    """Write a file that is either whole or not there; False where one of that name is there."""
    with _naming(path):
        return _written_anew(path, text)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Inside it, an OSError names `path`: nobody knows the name of a file that is only being made."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _written_anew(path: Path, text: str) -> bool:
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if path.exists():
                return False
            os.replace(temporary, path)
        _sync_names(path.parent)
        return True
    finally:
        with contextlib.suppress(OSError):  # it is loaded by nobody
            os.unlink(temporary)


def _sync_names(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    with _naming(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
