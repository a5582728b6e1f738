"""Which tools an agent's definition allows."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

_CLAUDE_CODE_NAMES = {"Read": "read_file", "LS": "list_folder", "Glob": "list_folder", "Grep": "grep"}
"""What Claude Code's agent files call the tools that we have too."""


def allowed(tools: Mapping[str, T], named: tuple[str, ...] | None) -> dict[str, T]:
    """Of the tools by name, those that the definition names, or all where it names none; what it names and we do not have is passed over."""
    if named is None:
        return dict(tools)
    wanted = {_CLAUDE_CODE_NAMES.get(name.partition("(")[0], name) for name in named}
    return {name: tool for name, tool in tools.items() if name in wanted}
