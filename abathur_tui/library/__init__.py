"""The library: templates and agent definitions from files (`registry`), and prompts made of them (`prompts`)."""

from abathur_tui.library.registry import FileRegistry

__all__ = ["FileRegistry"]
