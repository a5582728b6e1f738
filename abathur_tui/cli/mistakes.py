"""How an error is told: to people as what happened, where, and what to do; with `--json` as one object."""

import errno
import json
import sys
import traceback

from abathur_tui.cli import output
from abathur_tui.cli.shared_options import Invocation
from abathur_tui.domain.errors import AbathurError, Detail, DiskFailing, DiskFull, Exit, OutOfFiles, ProjectNotWritable, Unexpected
from abathur_tui.domain.safe_text import safe, safe_json, safe_line

_SOURCE_CELLS = 100
"""How much of a long source line is shown around its mistake."""


def translated(error: Exception) -> AbathurError:
    """The error as one of Abathur's own."""
    match error:
        case AbathurError():
            return error
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return DiskFull(_of_file(error))
        case OSError(errno=errno.EIO):
            return DiskFailing(_of_file(error))
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return OutOfFiles(_of_file(error))
        case OSError(errno=errno.EACCES | errno.EPERM | errno.EROFS):
            return ProjectNotWritable(_of_file(error))
        case _:
            return Unexpected(f"Something unexpected happened: {type(error).__name__}: {error}")


def report(error: Exception, call: Invocation) -> int:
    """Tell an error; gives its exit code."""
    told = translated(error)
    try:
        tell(told, call, error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return told.exit


def tell(told: AbathurError, call: Invocation, cause: BaseException | None) -> None:
    """Write the error to standard error, with its stack trace where it was asked for."""
    if call.debug and cause is not None:
        output.note("".join(traceback.format_exception(cause)).rstrip())
    if call.json:
        _write(safe_json(json.dumps(told.data(), ensure_ascii=False)) + "\n")
    else:
        _write("\n".join(human(told)) + "\n")


def human(error: AbathurError) -> list[str]:
    """The lines that people read."""
    first, *more = safe(error.message).split("\n")
    lines = [f"Error {error.code}: {first}", *(f"  {line}" for line in more)]
    only_one = len(error.details) == 1
    for detail in error.details:
        told_already = only_one and detail.message in error.message
        lines += [*([] if told_already else [""]), *_detail(detail, told_already)]
    if error.advice:
        lines += ["", f"What to do: {safe_line(error.advice)}"] if error.details else [f"What to do: {safe_line(error.advice)}"]
    return lines


def _detail(detail: Detail, told_already: bool) -> list[str]:
    place = ":".join(str(part) for part in (detail.file, detail.line, detail.column) if part is not None)
    lines = [] if told_already else [f"  {safe_line(place)}  {safe_line(detail.message)}" if place else f"  {safe_line(detail.message)}"]
    if detail.source is not None:
        lines += _source(detail.source, detail.column, detail.length)
    if detail.suggestion:
        meant = safe_line(detail.suggestion)
        lines.append(
            f"      {meant}" if " " in meant else f"      {'write' if '=' in meant else 'did you mean'} {meant}{'' if '=' in meant else '?'}"
        )
    return lines


def _source(source: str, column: int | None, length: int) -> list[str]:
    """The source line, and a caret under the mistake; both in cells, whatever the characters' width."""
    if column is None:
        return [f"    | {output.cut(safe_line(source), _SOURCE_CELLS)}"]
    start = max(0, column - 1 - _SOURCE_CELLS // 2)
    before = ("…" if start else "") + safe_line(source[start : column - 1])
    marked = safe_line(source[column - 1 : column - 1 + length])
    rest = safe_line(source[column - 1 + length :])
    shown = output.cut(before + marked + rest, _SOURCE_CELLS)
    caret = "^" * max(1, min(output.cell_width(marked), _SOURCE_CELLS - output.cell_width(before)))
    return [f"    | {shown}", f"    | {' ' * output.cell_width(before)}{caret}"]


def _of_file(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{error.filename}: {what}." if error.filename else f"{what}."


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        return  # nobody reads it; the exit code says it all
