"""Approved pictures: what the screen showed when somebody looked at it and found it right."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.app import App

FOLDER = Path(__file__).parents[2] / "snapshots"
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_ID = re.compile(r"terminal-\d+-")


@dataclass
class Gallery:
    """Compares a screen with its approved picture; `pytest --snapshot-update` approves what is there."""

    scratch: Path
    """Where a picture that differs is left, to be looked at."""
    update: bool

    async def check(self, app: App[Any], name: str) -> None:
        """The screen looks as `snapshots/name.svg` shows it, once it has come to rest."""
        shown = await at_rest(app)
        approved = FOLDER / f"{name}.svg"
        if self.update:
            approved.write_text(shown, encoding="utf-8")
            return
        assert approved.exists(), f"{approved.name} was never approved: look at the screen, then run pytest --snapshot-update"
        if shown != approved.read_text(encoding="utf-8"):
            other = self.scratch / f"{name}.svg"
            other.write_text(shown, encoding="utf-8")
            raise AssertionError(f"the screen looks other than {approved}: see {other}; where it is right, run pytest --snapshot-update")


async def at_rest(app: App[Any], seconds: float = 10.0) -> str:
    """The picture, as soon as it has been the same for a while."""
    async with asyncio.timeout(seconds):
        before, since = "", 0
        while since < 3:
            await asyncio.sleep(0.05)
            shown = stable(app.export_screenshot(title="abathur"))
            since = since + 1 if shown == before else 0
            before = shown
    return before


def stable(svg: str) -> str:
    """The picture without what differs from run to run, and without fonts from elsewhere."""
    return _ID.sub("terminal-", _FONTS.sub("", svg)).replace("Fira Code", "DejaVu Sans Mono")
