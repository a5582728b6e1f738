"""`abathur task`: submit, list, show and change tasks."""

from abathur_tui.cli.task import answering, batch, changing, dead_letters, looking, schedules, submitting
from abathur_tui.cli.task.naming import commands

_ORDER = ("submit", "batch-submit", "list", "show", "detail", "result", "cancel", "retry", "pause", "resume", "reprioritize", "answer")

commands.registered_commands.sort(key=lambda command: _ORDER.index(command.name or ""))

__all__ = ["answering", "batch", "changing", "commands", "dead_letters", "looking", "schedules", "submitting"]
