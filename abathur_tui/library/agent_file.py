"""Agent definitions: Markdown files with front matter, as Claude Code has them; a file that is none is left out with a notice."""

import os
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from abathur_tui.domain.templates import AgentDefinition
from abathur_tui.library.front_matter import FrontMatterBroken, Value, read_markdown, split_list

_MOST_BYTES = 262_144
_MOST_FILES = 1000
_MOST_DEPTH = 4
OUR_TOOLS = {"Read": "read_file", "Grep": "grep", "Glob": "list_folder", "LS": "list_folder"}
"""Claude Code's tools, and ours that do the same."""


@dataclass
class AgentFolder:
    """A folder of agent definitions, read when it is first asked for."""

    path: Path
    origin: str
    inside: Path | None = None
    """Files that links lead out of this folder are left out; None lets links lead anywhere."""
    notices: list[str] = field(default_factory=list)

    @cached_property
    def definitions(self) -> tuple[AgentDefinition, ...]:
        """All that can be read, by path."""
        found = []
        for path in self._files():
            try:
                found.append(agent_from_markdown(self._text(path), self.origin))
            except (OSError, ValueError) as error:
                line = f":{error.line}" if isinstance(error, FrontMatterBroken) else ""
                reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
                self.notices.append(f"{path}{line}: left out as an agent: {reason}.")
        return tuple(found)

    def _files(self) -> list[Path]:
        found: list[Path] = []
        for folder, folders, files in os.walk(self.path):
            if len(Path(folder).relative_to(self.path).parts) >= _MOST_DEPTH:
                folders.clear()
            folders.sort()
            found += [Path(folder, name) for name in sorted(files) if name.endswith(".md")]
            if len(found) > _MOST_FILES:
                self.notices.append(f"{self.path}: only the first {_MOST_FILES} files were read.")
                return found[:_MOST_FILES]
        return found

    def _text(self, path: Path) -> str:
        if self.inside is not None and not path.resolve().is_relative_to(self.inside.resolve()):
            raise ValueError("a link leads out of the project")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no regular file")
        if status.st_size > _MOST_BYTES:
            raise ValueError(f"it is longer than {_MOST_BYTES} bytes")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError("it is no UTF-8 text") from error


def agent_from_markdown(text: str, origin: str) -> AgentDefinition:
    """The definition in a file's text. Raises FrontMatterBroken, or ValueError where something is missing."""
    file = read_markdown(text)
    name, description, model = (_text(file.values.get(key, "")) for key in ("name", "description", "model"))
    if not name or any(character.isspace() for character in name):
        raise ValueError("its front matter has no name" if not name else f"the name {name!r} has spaces in it")
    if not description:
        raise ValueError("its front matter has no description")
    if not file.body:
        raise ValueError("there is no prompt under its front matter")
    tools = _tools(file.values.get("tools"), file.values.get("disallowedTools"))
    return AgentDefinition(name, description, file.body, None if model in ("", "inherit") else model, tools, origin)


def plain_name(name: str) -> str:
    """The form in which names are compared: `Code_Generator` is `code-generator`."""
    return name.replace("_", "-").lower()


def _text(value: Value) -> str:
    return value.strip() if isinstance(value, str) else ", ".join(value)


def _names(value: Value) -> list[str]:
    return [name for part in ((value,) if isinstance(value, str) else value) for name in split_list(part)]


def _tools(allowed: Value | None, denied: Value | None) -> tuple[str, ...] | None:
    """The tools of a definition by our names; None means all.

    A tool with a rule in brackets (`Read(src/**)`) is left out: to allow all of it would be wider than what is written.
    """
    named = _names(allowed or ())
    all_of_them = allowed in (None, "") or "*" in named
    if all_of_them and not denied:
        return None
    without = {OUR_TOOLS.get(name.partition("(")[0], name) for name in _names(denied or ())}
    ours = (OUR_TOOLS.get(name, name) for name in (OUR_TOOLS if all_of_them else named) if "(" not in name)
    return tuple(dict.fromkeys(name for name in ours if name not in without))
