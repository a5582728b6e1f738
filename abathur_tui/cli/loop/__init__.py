"""`abathur loop`: tasks that are refined until they converge."""

from abathur_tui.cli.loop import looking, starting, watching
from abathur_tui.cli.loop.naming import commands

_ORDER = ("start", "watch", "status", "history", "list", "resume")

commands.registered_commands.sort(key=lambda command: _ORDER.index(command.name or ""))

__all__ = ["commands", "looking", "starting", "watching"]
