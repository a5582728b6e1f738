"""The project: finding or making one, submitting, running, watching, triage. The programming interface and the door for all front ends."""

from abathur_tui.project.finding import Place, find, found, make
from abathur_tui.project.project import Project
from abathur_tui.project.results import ExecutionResult
from abathur_tui.project.status import ProjectStatus
from abathur_tui.project.wish import Wish
from abathur_tui.storage.seals import Verified

__all__ = ["ExecutionResult", "Place", "Project", "ProjectStatus", "Verified", "Wish", "find", "found", "make"]
