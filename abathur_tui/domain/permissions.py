"""What a plan will use of the machine: its agents' tools, the commands that it runs, and what was read for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from abathur_tui.domain.data import JsonObject


@dataclass(frozen=True, slots=True)
class NamedCommand:
    """A command that a plan names; it runs on this machine with the user's rights."""

    node: str
    command: str
    purpose: str
    """`criterion`, `success criterion` or `join`."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """All of it."""

    tools: Mapping[str, tuple[str, ...]]
    """By agent definition."""
    commands: tuple[NamedCommand, ...]
    reads: tuple[str, ...]
    """`file("src/main.py")`, as they stand in the document."""

    def data(self) -> JsonObject:
        """As `plan --json` gives it."""
        return {
            "tools": {agent: [*tools] for agent, tools in self.tools.items()},
            "commands": [{"node": one.node, "command": one.command, "for": one.purpose} for one in self.commands],
            "reads": [*self.reads],
        }
