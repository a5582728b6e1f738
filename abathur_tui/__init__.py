"""Abathur: a keyboard-driven, full-screen terminal cockpit for swarms of Claude agents."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abathur_tui.project import ExecutionResult, Project, Wish

__version__ = "0.1.0"
__all__ = ["ExecutionResult", "Project", "Wish", "__version__"]


def __getattr__(name: str) -> object:
    """The programming interface, loaded when it is first asked for: `abathur --version` must not pay for it."""
    if name in ("ExecutionResult", "Project", "Wish"):
        from abathur_tui import project

        return getattr(project, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
