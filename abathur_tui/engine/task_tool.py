"""Tools that touch nothing but the queue: what each is, what a call of it does, and how its arguments are read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from abathur_tui.domain.conversation import Tool, ToolDefinition, ToolOutcome
from abathur_tui.domain.data import JsonObject


class Refused(Exception):
    """A call asks for something that cannot be; the text tells the model what."""


@dataclass(frozen=True, slots=True)
class TaskTool:
    """A tool of one agent, at one task."""

    definition: ToolDefinition
    call: Callable[[JsonObject], Awaitable[ToolOutcome]]
    """Does it. Raises Refused."""

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Do it, or say why not."""
        try:
            return await self.call(arguments)
        except Refused as refused:
            return ToolOutcome(str(refused), is_error=True, summary="refused")


def named(*tools: TaskTool) -> dict[str, Tool]:
    """Tools by name."""
    return {tool.definition.name: tool for tool in tools}


def text_in(arguments: JsonObject, name: str, default: str | None = None, *, longest: int | None = None) -> str:
    """A text, without the white space around it; with `longest` one of at least a character. Raises Refused."""
    value = arguments.get(name, default)
    if not isinstance(value, str):
        raise Refused(f"The argument {name} must be a text.")
    value = value.strip()
    if longest is not None and not 0 < len(value) <= longest:
        raise Refused(f"The argument {name} must be a text of 1 to {longest} characters.")
    return value


def number_in(arguments: JsonObject, name: str, least: float, most: float) -> float:
    """A number from `least` to `most`. Raises Refused."""
    value = arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Refused(f"The argument {name} must be a number from {least:g} to {most:g}.")
    return float(value)
