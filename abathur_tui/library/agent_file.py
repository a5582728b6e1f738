"""Agent definitions: Markdown files with front matter, as Claude Code has them; a file that is none is left out with a notice."""

from dataclasses import replace

from abathur_tui.domain.errors import Detail
from abathur_tui.domain.templates import AgentDefinition
from abathur_tui.library.folder import Broken
from abathur_tui.library.front_matter import FrontMatterBroken, Value, read_markdown, split_list

OUR_TOOLS = {"Read": "read_file", "Grep": "grep", "Glob": "list_folder", "LS": "list_folder", "Agent": "spawn_agent", "Task": "spawn_agent"}
"""Claude Code's tools, and ours that do the same."""


def read_agent(text: str, file: str, origin: str) -> AgentDefinition:
    """The definition in a file. Raises Broken."""
    try:
        return replace(agent_from_markdown(text, origin), file=file)
    except FrontMatterBroken as error:
        raise Broken((Detail(str(error), error.line),)) from error
    except ValueError as error:
        raise Broken((Detail(str(error)),)) from error


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
