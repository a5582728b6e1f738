"""What an agent can do with its hands: read the project's files, list its folders, search it. Nothing here writes, runs or reaches out."""

from pathlib import Path

from abathur_tui.domain.conversation import Tool
from abathur_tui.processes import Children
from abathur_tui.tools.grep import Grep
from abathur_tui.tools.list_folder import ListFolder
from abathur_tui.tools.project_files import ProjectFiles
from abathur_tui.tools.read_file import ReadFile

__all__ = ["for_project"]


def for_project(folder: Path, children: Children | None = None) -> dict[str, Tool]:
    """The tools for a project's folder, by name. `children`: with whose guard searches run; each ends itself after some seconds in any case."""
    files = ProjectFiles(folder)
    tools: tuple[Tool, ...] = (ReadFile(files), ListFolder(files), Grep(folder.absolute(), children or Children()))
    return {tool.definition.name: tool for tool in tools}
