"""The library: what a project brings along in files, templates and agent definitions, and prompts made of them.

Others use `FileRegistry`, `prompts` and `fitting` to work with what is there, `template_files` to keep, check and remove templates,
`comparing` to see what is different between two, and `watching` to be told of files that were saved. All else is the room's own.
"""

from abathur_tui.library.registry import FileRegistry

__all__ = ["FileRegistry"]
