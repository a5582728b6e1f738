"""The guard: what restores the terminal when a screen is killed, and ends what a killed engine leaves running.

Standard library only, and nothing of ours: it is imported before anything heavy is.
"""

from abathur_tui.guard.engine import RESTARTING, GuardPipe, Keys, Restarts, run_engine
from abathur_tui.guard.groups import MARK, identity, is_stopped, kill_group, kill_marked, kill_noted, kill_process, restarting_since
from abathur_tui.guard.screen import run_screen

__all__ = [
    "MARK",
    "RESTARTING",
    "GuardPipe",
    "Keys",
    "Restarts",
    "identity",
    "is_stopped",
    "kill_group",
    "kill_marked",
    "kill_noted",
    "kill_process",
    "restarting_since",
    "run_engine",
    "run_screen",
]
