"""A user's whole path on the screen, with a real engine and a real program as agent."""

import json
import os
import signal
import sys
from pathlib import Path

from abathur_tui.domain.status import Status
from abathur_tui.project import Project
from abathur_tui.screen.app import AbathurApp
from abathur_tui.screen.screens.dialogs import Confirm, LeaveScreen
from tests.alive import alive
from tests.waiting import eventually_async

AGENT = """
import sys, time
prompt = sys.stdin.read()
print("# Answer", flush=True)
while "slow work" in prompt:
    print("still at it", flush=True)
    time.sleep(0.1)
print("heard " + ("hello" if "say hello" in prompt else "nothing"), flush=True)
"""


def picture(app: AbathurApp) -> str:
    return app.export_screenshot().replace("&#160;", " ")


async def test_submit_watch_open_cancel_retry_and_come_back(tmp_path: Path) -> None:
    environ = {
        "ABATHUR_API__RUNTIME": "command",
        "ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps([sys.executable, "-c", AGENT]),
        "PATH": "/usr/bin:/bin",
    }
    with Project.open(tmp_path, create=True, environ=environ) as project:
        try:
            app = AbathurApp(project)
            async with app.run_test(size=(120, 40)) as pilot:
                store = app.store

                def statuses() -> list[Status]:
                    return [store.queue.rows[id].status for id in store.queue.ids if id in store.queue.rows]

                # A prompt is written and submitted; an engine starts, an agent answers.
                await pilot.press("c", *"say hello", "enter")
                await eventually_async(lambda: statuses() == [Status.COMPLETED], 30)
                await eventually_async(lambda: any("heard hello" in line.text for line in store.log.lines))
                # Its result is opened as Markdown.
                await pilot.press("enter")
                await eventually_async(lambda: "Answer" in picture(app) and "heard hello" in picture(app))
                await pilot.press("escape")
                # A slow one is seen at work, and cancelled within five seconds.
                await pilot.press("c", *"slow work", "enter")
                await eventually_async(lambda: statuses() == [Status.COMPLETED, Status.RUNNING], 30)
                await eventually_async(lambda: any("still at it" in line.text for line in store.log.lines))
                await pilot.press("G", "x")
                await eventually_async(lambda: isinstance(app.screen, Confirm))
                await pilot.pause()
                await pilot.press("y")
                await eventually_async(lambda: statuses() == [Status.COMPLETED, Status.CANCELLED])
                # It is retried, and leaving asks, because work goes on.
                await pilot.press("r")
                await eventually_async(lambda: statuses() == [Status.COMPLETED, Status.RUNNING])
                await eventually_async(lambda: store.figures.engine_lives is True)
                await pilot.press("q")
                await eventually_async(lambda: isinstance(app.screen, LeaveScreen))
                await pilot.pause()
                await pilot.press("enter")
            assert app.return_value == 0
            assert app.problems == []
            # On coming back, all is as it was, and the work goes on.
            app = AbathurApp(project)
            async with app.run_test(size=(120, 40)) as pilot:
                store = app.store
                await eventually_async(lambda: statuses() == [Status.COMPLETED, Status.RUNNING])
                await eventually_async(lambda: "say hello" in picture(app) and "slow work" in picture(app))
        finally:
            await project.stop_engine()


PATIENT = "cat > /dev/null; echo begun; while ! test -e go; do sleep 0.02; done; echo done"


async def test_an_engine_that_is_stopped_while_somebody_looks_on_holds_up_nothing_and_ends_on_waking(tmp_path: Path) -> None:
    environ = {
        "ABATHUR_API__RUNTIME": "command",
        "ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps(["/bin/sh", "-c", PATIENT]),
        "PATH": "/usr/bin:/bin",
    }
    Project.open(tmp_path, create=True, environ=environ).close()
    (tmp_path / ".abathur" / "config.toml").write_text("[queue]\nlease_seconds = 3\nheartbeat_seconds = 0.5\n")
    with Project.open(tmp_path, environ=environ) as project:
        try:
            await project.submit("slow work")
            app = AbathurApp(project)
            async with app.run_test(size=(120, 40)):
                await eventually_async(lambda: any("begun" in line.text for line in app.store.log.lines))
                stopped = (await project.status()).engine
                assert stopped is not None
                os.kill(stopped.pid, signal.SIGSTOP)
                (tmp_path / "go").touch()
                await eventually_async(lambda: [task.status for task in app.store.queue.rows.values()] == [Status.COMPLETED])
            assert app.problems == []
            os.kill(stopped.pid, signal.SIGCONT)
            await eventually_async(lambda: not alive(stopped.pid))
            await eventually_async(lambda: project.engine() not in (None, stopped.id))
        finally:
            await project.stop_engine()
