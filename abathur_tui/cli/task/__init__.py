"""`abathur task`: submit, list, show and change tasks."""

from abathur_tui.cli.task import batch, changing, looking, submitting
from abathur_tui.cli.task.naming import commands

_ORDER = ("submit", "batch-submit", "list", "show", "detail", "result", "cancel", "retry", "pause", "resume", "reprioritize")

commands.registered_commands.sort(key=lambda command: _ORDER.index(command.name or ""))

__all__ = ["batch", "changing", "commands", "looking", "submitting"]
