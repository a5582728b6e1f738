"""ABYSSAL: text to a plan. Parse, check, expand by a registry, format, and find commands in prose."""

from abathur_tui.language.batch import PlannedPiece, PlannedStatement, plan_pieces, plan_prose
from abathur_tui.language.completion import Completion, complete
from abathur_tui.language.context import PlanContext
from abathur_tui.language.extract import Found, extract, is_document
from abathur_tui.language.formatter import format
from abathur_tui.language.forms import plan_prompt, plan_template
from abathur_tui.language.highlight import Highlight, Part, highlight
from abathur_tui.language.parser import parse
from abathur_tui.language.planning import mistakes, plan
from abathur_tui.language.prose import Told, UnclosedFence, with_results
from abathur_tui.language.roles import made_agents, role_parameter
from abathur_tui.language.tree import Document

__all__ = [
    "Completion",
    "Document",
    "Found",
    "Highlight",
    "Part",
    "PlanContext",
    "PlannedPiece",
    "PlannedStatement",
    "Told",
    "UnclosedFence",
    "complete",
    "extract",
    "format",
    "highlight",
    "is_document",
    "made_agents",
    "mistakes",
    "parse",
    "plan",
    "plan_pieces",
    "plan_prompt",
    "plan_prose",
    "plan_template",
    "role_parameter",
    "with_results",
]
