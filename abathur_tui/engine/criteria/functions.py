"""Criteria that are Python functions: called in a process of their own, never in the engine's."""

import json
import sys
from pathlib import Path

from abathur_tui.domain.loops import Verdict
from abathur_tui.engine.criteria.commands import Commands, Useless
from abathur_tui.engine.criteria.verdicts import Reading

_CALLER = str(Path(__file__).with_name("calling.py"))
_SHOWN = 300


async def said_by(function: str, commands: Commands, told: str) -> Reading:
    """What `module:function` or `file.py:function` says of the pass and the history in `told`."""
    try:
        # -P: the engine's own folder must not stand before the project's modules.
        ran = await commands.run_program([sys.executable, "-P", _CALLER, function], told)
    except Useless as useless:
        return Reading(Verdict.INCONCLUSIVE, None, f"{function} {useless}")
    try:
        answer = json.loads(ran.stdout)
        content, reason = answer["content"], " ".join(str(answer["reason"]).split())[:_SHOWN]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Reading(Verdict.INCONCLUSIVE, None, f"{function} gave no answer, and its process {ran.ending}")
    match content:
        case True:
            return Reading(Verdict.CONVERGED, 1.0, reason or f"{function} is content")
        case False:
            return Reading(Verdict.CONTINUE, 0.0, reason or f"{function} is not content yet")
        case _:
            return Reading(Verdict.INCONCLUSIVE, None, f"{function} {reason}")
