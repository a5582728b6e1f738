"""`docs/configuration.md`, made from the settings' own docstrings: `python -m abathur_tui.settings.reference > docs/configuration.md`."""

import ast
import inspect
from enum import StrEnum
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from abathur_tui.settings import model
from abathur_tui.settings.model import Section, Settings
from abathur_tui.settings.not_yet import KEYS, SECTIONS

_HEAD = """\
# Configuration

<!-- Made by `python -m abathur_tui.settings.reference`; edit the docstrings in abathur_tui/settings/model.py instead. -->

Settings are TOML. Every key is optional. The highest of these that names a key decides it:

1. command-line flags;
2. environment variables, `ABATHUR_SECTION__KEY` with two underscores: `ABATHUR_QUEUE__MAX_SIZE=500`; arrays are JSON:
   `ABATHUR_RUNTIMES__COMMAND__ARGV='["python", "agent.py"]'`;
3. `.abathur/local.toml` in the project (not in git);
4. your own file: `abathur/config.toml` in your platform's configuration folder (`~/.config` on Linux, `~/Library/Application Support` on macOS);
5. `.abathur/config.toml` in the project, for everybody who works on it;
6. the defaults below.

A project's own files (3 and 5) cannot set `api.runtime`, `api.base_url`, `queue.on_status` or anything under `runtimes`: a cloned repository
must not choose which program runs on your machine, nor where your key is sent. Such a key does not count there, and a notice names its file
and line.

Durations are seconds or texts such as `"30s"`, `"5m"`, `"1h30m"`, `"2d"`; sizes are bytes or texts such as `"64KB"`, `"512MB"`.
Unknown keys, wrong types and values out of range are reported all at once, each with its file and line and what is allowed.

A file that is saved counts for a running engine within a second, with a line in the log for each change; a broken one changes nothing, and is told
with its lines. What was submitted keeps the runtime, model, command, templates, retries and limits that it was submitted with. A running screen
goes by it in its next submit too; only how it looks (`screen`) is from the next screen on.

`ABATHUR_DATA_DIR` is another folder in place of the project's `.abathur`.
"""
_KINDS: dict[object, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, field in Settings.model_fields.items():
        parts.append(_section(name, field.annotation))
    later = ", ".join(f"`{key}`" for key in sorted(KEYS | {f"{section}.*" for section in SECTIONS}))
    parts.append(f"## Not in this version\n\nThese keys are known, and are refused for as long as they would have no effect: {later}.\n")
    return "\n".join(parts)


def _section(path: str, section: Any) -> str:
    docstrings = _docstrings(section)
    title = f"## {path}\n\n" if "." not in path else f"### {path}\n\n"
    rows, inner = [], []
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            inner.append(_section(f"{path}.{name}", field.annotation))
        else:
            if (item := _table_in(field)) is not None:
                inner.append(_section(f"{path}.{name}", item))
            rows.append(f"| `{name}` | {_allowed(field)} | {_default(field)} | {docstrings[name]} |")
    table = "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows]) + "\n" if rows else ""
    return "\n".join([f"{title}{inspect.cleandoc(section.__doc__)}\n", *([table] if table else []), *inner])


def _docstrings(section: type[BaseModel]) -> dict[str, str]:
    """The text under each field of the class."""
    classes = [node for node in ast.parse(inspect.getsource(model)).body if isinstance(node, ast.ClassDef) and node.name == section.__name__]
    body = classes[0].body
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _allowed(field: FieldInfo) -> str:
    declared = field.annotation
    arguments = [argument for argument in get_args(declared) if argument is not type(None)]
    if get_origin(declared) is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if get_origin(declared) is dict:
        return "table of whole numbers from 1 to 500"
    if get_origin(declared) is tuple:
        return "array of texts" if _table_in(field) is None else "array of tables"
    plain = arguments[0] if arguments else declared
    plain = get_args(plain)[0] if get_args(plain) else plain
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        return ", ".join(f"`{choice}`" for choice in plain)
    return " ".join(part for part in (_kind(field, plain), _range(field)) if part)


def _table_in(field: FieldInfo) -> type[Section] | None:
    """The tables of which it is an array; None where it is none."""
    items = [item for item in get_args(field.annotation) if isinstance(item, type) and issubclass(item, Section)]
    return items[0] if get_origin(field.annotation) is tuple and items else None


def _kind(field: FieldInfo, plain: object) -> str:
    words = {model.duration: "duration", model.size: "size"}
    inner = (one for argument in get_args(field.annotation) for one in getattr(argument, "__metadata__", ()))  # of what may be left out
    return next((words[one.func] for one in (*field.metadata, *inner) if isinstance(one, BeforeValidator) and one.func in words), _KINDS[plain])


def _range(field: FieldInfo) -> str:
    words = {Ge: "from", Gt: "over", Le: "to", Lt: "under"}
    return " ".join(
        f"{word} {getattr(limit, kind.__name__.lower()):,}" for kind, word in words.items() for limit in field.metadata if isinstance(limit, kind)
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.default
    if value is None or value == {}:
        return "none"
    if isinstance(value, str | tuple):
        return f"`{list(value) if isinstance(value, tuple) else value}`"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(page(), end="")
