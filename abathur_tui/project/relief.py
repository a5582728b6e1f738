"""Relief: whoever waits for a project's work finds out that its engine does nothing any more, and sees to it that another one goes on."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, TypeVar

from abathur_tui.domain.clock import Clock
from abathur_tui.domain.errors import AbathurError
from abathur_tui.engine.silence import Silence
from abathur_tui.project.answers import trouble_text
from abathur_tui.project.following import CHECK_SECONDS
from abathur_tui.project.patience import OVER
from abathur_tui.storage.engines import Trouble

if TYPE_CHECKING:
    from abathur_tui.project.project import Project

T = TypeVar("T")


async def relieved(project: "Project", work: Coroutine[None, None, T], clock: Clock) -> T:
    """What `work` gives; meanwhile an engine that gives no sign of life for its whole lease is ended, and another one started."""
    relief = asyncio.create_task(relieve(project, clock))
    try:
        return await work
    finally:
        relief.cancel()
        await asyncio.gather(relief, return_exceptions=True)


async def relieve(project: "Project", clock: Clock) -> None:
    """Do that for as long as it is not cancelled; without settings that can be read, not at all."""
    await asyncio.sleep(CHECK_SECONDS)  # Most waits are shorter, and need not load the settings.
    try:
        lease = (await asyncio.to_thread(lambda: project.loaded)).settings.queue.lease_seconds
    except AbathurError:
        return
    silence = Silence(project.database, lease, clock)
    told: Trouble | None = None
    while True:
        trouble = await asyncio.to_thread(project.engine_trouble)
        if trouble is not None and (told is None or trouble.code != told.code):
            project.patience.tell(trouble_text(trouble))
        elif trouble is None and told is not None:
            project.patience.tell(OVER)
        told = trouble
        try:
            if await asyncio.to_thread(silence.relieve):
                await project.ensure_engine()
        except AbathurError:
            pass  # Whoever needs an engine asks for one again, and is told.
        await asyncio.sleep(min(CHECK_SECONDS, lease / 4))
