"""Joins: one result of many, with what contradicts settled and what is missing named."""

from abathur_tui.engine.joins.join import join
from abathur_tui.engine.joins.meeting import Joined

__all__ = ["Joined", "join"]
