"""Asking before something that cannot be undone."""

import sys

import typer

from abathur_tui.cli.invocation import Invocation
from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.domain.safe_text import safe_line


def sure(call: Invocation, question: str) -> bool:
    """Whether the user wants it; `--yes` says so. Raises ArgumentInvalid where nobody can be asked."""
    if call.yes:
        return True
    if not sys.stdin.isatty():
        raise ArgumentInvalid("There is no terminal to ask on.", hint="Give --yes where you are sure.")
    return typer.confirm(safe_line(question), err=True)
