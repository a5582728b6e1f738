"""A file whose commands are run, and the results that are put back into it."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.cli.text import read_file
from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.language import PlannedPiece, Told, UnclosedFence, with_results
from abathur_tui.project import Project
from abathur_tui.project.answers import execution_name
from abathur_tui.project.batch import Batch
from abathur_tui.storage import views
from abathur_tui.storage.files import sync

_MARK = b"\xef\xbb\xbf"
"""What some programs begin a text in UTF-8 with."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read."""

    path: Path
    text: str

    def check(self, pieces: Sequence[PlannedPiece]) -> None:
        """Raises ArgumentInvalid where results could not be put back: better before anything runs."""
        self.with_results([Told(part.end, "", "") for piece in pieces for part in piece.statements])

    def with_results(self, results: Sequence[Told]) -> str:
        """The text with these results. Raises ArgumentInvalid."""
        try:
            return with_results(self.text, results)
        except UnclosedFence as error:
            raise ArgumentInvalid(f"{self.path}: {error}, so no result can stand below it.", hint="Close it, or leave --write out.") from error


def source_of(path: Path) -> Source:
    """The file. Raises NotFound, and ArgumentInvalid where it is no text or cannot be written."""
    text = read_file(path)
    real = Path(os.path.realpath(path))
    if not real.is_file():
        raise ArgumentInvalid(f"{path} is no file that results could be put into.", hint="Leave --write out.")
    if not (os.access(real, os.W_OK) and os.access(real.parent, os.W_OK | os.X_OK)):
        raise ArgumentInvalid(f"{path} cannot be written.", hint="Leave --write out, or make it and its folder writable.")
    return Source(path, text)


async def put_back(project: Project, source: Source, pieces: Sequence[PlannedPiece], submitted: Batch) -> None:
    """Put each statement's result, or why there is none, under its command. Raises ArgumentInvalid where the file has been changed meanwhile."""
    results: list[Told] = []
    for piece, one in zip(pieces, submitted.submitted, strict=True):
        tasks = {task.id: task for task in await project.read(views.tasks_by_id, list(one.tasks.values()))}
        for part in piece.statements:
            task = tasks[one.tasks[part.node]]
            result = await project.read(views.result, task.id)
            reason = f"[{task.error.code}] {task.error.message}" if task.error else "There is no result."
            results.append(Told(part.end, f"{execution_name(one.execution)} {task.status}", reason if result is None else result))
    results.sort(key=lambda told: told.command)
    text = source.with_results(results)
    if read_file(source.path) != source.text:
        names = ", ".join(str(execution_name(execution)) for execution in submitted.executions[:5])
        raise ArgumentInvalid(
            f"{source.path} was changed while its commands ran, so nothing was written into it.", hint=f"`abathur result` has the results: {names}."
        )
    _replace(source.path, text)


def _replace(path: Path, text: str) -> None:
    """Another content for a file (what a link leads to), all of it or nothing, under the same mode."""
    path = Path(os.path.realpath(path))
    with path.open("rb") as file:
        mark = _MARK if file.read(len(_MARK)) == _MARK else b""
        mode = os.fstat(file.fileno()).st_mode & 0o7777
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(mark + text.encode("utf-8", "replace"))
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(name, path)
        sync(path.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
