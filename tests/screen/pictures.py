"""Approved pictures: what the screen showed when somebody looked at it and found it right."""

import asyncio
import re
import time
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
        """The screen comes to rest as `snapshots/name.svg` shows it."""
        approved = FOLDER / f"{name}.svg"
        if self.update:
            approved.write_text(await at_rest(app), encoding="utf-8")
            return
        assert approved.exists(), f"{approved.name} was never approved: look at the screen, then run pytest --snapshot-update"
        wanted = approved.read_text(encoding="utf-8")
        shown = await at_rest(app, wanted)
        if shown != wanted:
            other = self.scratch / f"{name}.svg"
            other.write_text(shown, encoding="utf-8")
            raise AssertionError(f"the screen looks other than {approved}: see {other}; where it is right, run pytest --snapshot-update")


async def at_rest(app: App[Any], wanted: str | None = None, seconds: float = 15.0) -> str:
    """The picture, as soon as it has been the same for a while; where it is not the one that is `wanted`, it has until the deadline to become it."""
    deadline = time.monotonic() + seconds
    before, since = "", 0
    while since < 3 or (before != wanted is not None and time.monotonic() < deadline):
        await asyncio.sleep(0.05)
        shown = stable(app.export_screenshot(title="abathur"))
        since = since + 1 if shown == before else 0
        before = shown
        assert since or time.monotonic() < deadline, "it does not come to rest"
    return before


def stable(svg: str) -> str:
    """The picture without what differs from run to run, and without fonts from elsewhere."""
    return _ID.sub("terminal-", _FONTS.sub("", svg)).replace("Fira Code", "DejaVu Sans Mono")
