"""What a document takes in from outside when it is submitted: `file()`, `env()`, `git()`, and what they refuse."""

from abathur_tui.language.sources.reading import FUNCTIONS, Sources
from abathur_tui.language.sources.refused import Refused

__all__ = ["FUNCTIONS", "Refused", "Sources"]
