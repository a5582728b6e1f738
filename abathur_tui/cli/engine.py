"""`abathur engine`: the process that works off the queue."""

import asyncio
import contextlib
import os
import signal
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.interrupts import Interrupted, Interrupts
from abathur_tui.cli.invocation import Command, Invocation, group, invocation
from abathur_tui.cli.opening import opened, tell_notices
from abathur_tui.cli.progress import show_all
from abathur_tui.domain.clock import SystemClock, iso
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import AccountRefused, EngineEnded, Exit
from abathur_tui.domain.tasks import EngineInfo
from abathur_tui.engine.launch import StartedEngine, stop_engine
from abathur_tui.project import Project, found
from abathur_tui.project.answers import RESTARTS, counts_data, trouble_text
from abathur_tui.project.following import CHECK_SECONDS
from abathur_tui.project.outliving import DEAD_SECONDS, attended_ended
from abathur_tui.storage import engines

commands = group(
    "Start, stop and look at the engine, which works off the queue.",
    """
    abathur engine start --detach
    abathur engine start --drain
    abathur engine status --json
    abathur engine restart
    abathur engine stop
    """,
)


@commands.command(
    "start",
    cls=Command,
    epilog="""
    abathur engine start
    abathur engine start --detach
    abathur engine start --drain && echo "nothing is left"
    """,
)
def start(
    context: typer.Context,
    detach: Annotated[bool, typer.Option("--detach", help="Return as soon as it works.")] = False,
    drain: Annotated[bool, typer.Option("--drain", help="End when nothing is left that could run.")] = False,
) -> int:
    """Work off the queue.

    Shows what the agents do, and stops the engine on Ctrl-C or SIGTERM; its tasks go back to the queue. The engine is a process of its
    own: with --detach it stays when this command has ended. Exit code 4 where an account's key or billing holds all that is left.
    """
    call = invocation(context)
    with opened(call, create=True) as project:
        tell_notices(call, project.loaded.notices)
        return asyncio.run(_detached(project, call, drain=drain) if detach else _attended(project, call, drain=drain))


@commands.command(
    "stop",
    cls=Command,
    epilog="""
    abathur engine stop
    """,
)
def stop(context: typer.Context) -> int:
    """Stop the engine; its tasks go back to the queue, and nothing counts against them."""
    call = invocation(context)
    # Not through the open project: an engine of an older version is what keeps a newer one from opening it.
    stopped = asyncio.run(stop_engine(found(call.project).data, _teller(call)))
    if call.json:
        output.document({"stopped": stopped})
    else:
        output.lines("The engine has stopped." if stopped else "There was no engine at work.")
    return Exit.DONE


@commands.command(
    "restart",
    cls=Command,
    epilog="""
    abathur engine restart
    """,
)
def restart(context: typer.Context) -> int:
    """Stop the engine and start one in its place, in the background.

    Tasks that run go back to the queue, go on after their last finished turn, and nothing counts against them. The new engine has this
    command's settings and key. Where none was at work one is started all the same.
    """
    call = invocation(context)
    asyncio.run(stop_engine(found(call.project).data, _teller(call)))
    with opened(call) as project:
        tell_notices(call, project.loaded.notices)
        return asyncio.run(_detached(project, call, drain=False))


@commands.command(
    "status",
    cls=Command,
    epilog="""
    abathur engine status
    abathur engine status --json | jq .engine.pid
    """,
)
def status(context: typer.Context) -> int:
    """Show whether an engine is at work."""
    call = invocation(context)
    with opened(call) as project:
        answer = asyncio.run(project.status())
    if call.json:
        agents = {"busy": answer.agents_busy, "limit": answer.agents_limit}
        waits = None if answer.trouble is None else {"code": answer.trouble.code, "message": answer.trouble.message}
        output.document({"engine": _data(answer.engine), "restarting": answer.restarting_since is not None, "waits": waits, "agents": agents})
    elif answer.restarting_since is not None:
        output.lines(RESTARTS)
    elif answer.engine is None:
        output.lines("No engine is at work; `abathur engine start` starts one.")
    else:
        output.lines(f"{_told(answer.engine)}; {answer.agents_busy} of {answer.agents_limit} agents busy.")
        if answer.trouble is not None:
            output.lines(trouble_text(answer.trouble))
    return Exit.DONE


async def _detached(project: Project, call: Invocation, *, drain: bool) -> int:
    started = await project.start_engine(stay=not drain, drain=drain)
    info = started.info or (await project.status()).engine
    if started.info is None and info is not None:
        await project.hand_over_keys()
    if call.json:
        output.document({"engine": _data(info), "started": started.info is not None})
    elif info is None:
        output.lines("Nothing is left to do; the engine has ended.")
    else:
        output.lines(f"{_told(info)}{'' if started.info else ' already'}.")
    return Exit.DONE


async def _attended(project: Project, call: Invocation, *, drain: bool) -> int:
    ended, notes = asyncio.Event(), deque[str]()
    attended = _Attended(project, drain, notes.append)
    with Interrupts(signal.SIGTERM) as interrupts:
        watching = asyncio.create_task(show_all(project, call, ended, notes))
        telling = asyncio.create_task(attended.tell_changes())
        try:
            code = await interrupts.unless_pressed(attended.work())
        except Interrupted:
            await attended.stop(interrupts)
            code = 128 + interrupts.last
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            ended.set()  # what it did last is still to be told
            with contextlib.suppress(Interrupted):
                await interrupts.unless_pressed(asyncio.gather(watching, return_exceptions=True))
            while notes and not call.quiet:  # nobody watches any more where the project cannot be read
                output.note(notes.popleft())
            attended.forget()
    if call.json:
        output.document({"tasks": counts_data((await project.status()).counts)})
    if code == Exit.REFUSED:
        raise AccountRefused("An account's key or billing holds all that is left; nothing is lost.")
    return code


@dataclass
class _Attended:
    """An engine in the foreground: this command is its client, and ends it."""

    project: Project
    drain: bool
    say: Callable[[str], None]
    starting: "asyncio.Task[StartedEngine] | None" = None
    """The start of our own engine; None where there is no need of one."""
    relieved: bool = False
    """Whether another engine goes on in the place of ours, which fell silent."""
    mark: str = field(default_factory=lambda: str(uuid.uuid4()))
    """By which our engine is found again, also when its guard had to start it again."""

    async def work(self) -> int:
        """Until the engine has ended (or, with `drain`, whoever's engine it is, nothing is left that could run); its exit code."""
        follows = self.drain and self.project.engine() is not None
        if follows:
            await self.project.hand_over_keys()
            if (end := await self.project.relieved(self.project.drained())) is not None:
                return end
        self.starting = asyncio.create_task(self.project.patience.until_well(self._begins) if follows else self._begins())
        started = await asyncio.shield(self.starting)  # one that has begun is there soon, and `stop` stops it then
        self._tell(started)
        code = await self.project.relieved(self._ended(started))
        self.relieved = code is None
        if self.drain and (code is None or code < 0 or code == Exit.DONE):
            if (end := await self.project.relieved(self.project.drained())) is None:
                raise EngineEnded("The engine has ended, and not all is done.")
            return end
        if code in (Exit.DONE, Exit.REFUSED):
            return code
        folder = self.project.place.data
        if code is not None and code > 0 and engines.has_ended_in_order(folder, self.mark):
            raise EngineEnded(f"The engine has ended with exit code {code}.")
        follow = self.project.engine_ended() if code is None else attended_ended(folder, self.mark, SystemClock())
        if not await self.project.relieved(follow):
            raise EngineEnded("The engine was killed, and nothing has started it again.")
        return Exit.DONE

    async def _begins(self) -> StartedEngine:
        return await self.project.start_engine(stay=not self.drain, drain=self.drain, standby=not self.drain, attended=self.mark)

    async def tell_changes(self) -> None:
        """Say when ours takes over from another one, or was started again after it died; until cancelled."""
        while self.starting is None or not self.starting.done():  # noqa: ASYNC110 (other processes: there is nothing to await)
            await asyncio.sleep(CHECK_SECONDS / 4)
        known: int | None = self.starting.result().process.pid
        works = (await asyncio.to_thread(self._processes))[1] == known
        while True:
            await asyncio.sleep(CHECK_SECONDS / 4)
            ours, active = await asyncio.to_thread(self._processes)
            if ours is None or active is None or (ours, active == ours) == (known, works):
                continue
            again = "" if ours == known else "The engine died and was started again. "
            known, works = ours, active == ours
            if works:
                self.say(f"{again}This one works now, process {ours}. Ctrl-C stops it.")
            else:
                self.say(f"{again}Another one works, process {active}; this one, process {ours}, stands by. Ctrl-C ends it.")

    def _processes(self) -> tuple[int | None, int | None]:
        """Of our engine and of the active one."""
        folder = self.project.place.data
        return engines.attended_process(folder, self.mark), engines.active_engine_process(folder)

    async def _ended(self, started: StartedEngine) -> int | None:
        """The exit code of our engine's process; None where another one is active in its place, while it is stopped."""
        ending = asyncio.create_task(started.wait())
        waiting: set[asyncio.Task[int] | asyncio.Task[None]] = {ending}
        if started.info is not None and started.info.pid == started.process.pid:
            waiting.add(asyncio.create_task(self.project.succeeded(started.info.id)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return ending.result() if ending.done() else None
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def forget(self) -> None:
        """Leave nothing behind of an engine that has died."""
        folder = self.project.place.data
        with contextlib.suppress(OSError):
            if engines.attended_process(folder, self.mark) is None:
                engines.forget_attended(folder, self.mark)

    async def stop(self, interrupts: Interrupts) -> None:
        """End the engine in order; another Ctrl-C leaves at once."""
        if self.starting is None:
            return  # somebody else's
        self.say("Stopping the engine; its tasks go back to the queue. Press Ctrl-C again to leave without waiting.")
        try:
            await interrupts.unless_pressed(self._stopped(self.starting))
        except Interrupted:
            os._exit(Exit.INTERRUPTED)  # whoever presses twice does not want to wait for threads either

    async def _stopped(self, starting: "asyncio.Task[StartedEngine]") -> None:
        started = await asyncio.shield(starting)
        folder = self.project.place.data
        if started.process.poll() is not None and not self.relieved:
            await self._started_again()
        if started.process.poll() is None:
            started.process.terminate()  # our own engine, also while that stands by for another one
            started.process.send_signal(signal.SIGCONT)  # one that is stopped hears nothing until it is continued
            await started.wait()
        elif process := engines.attended_process(folder, self.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)  # it holds its lock, so the number is its own
                os.kill(process, signal.SIGCONT)
            await attended_ended(folder, self.mark, SystemClock())
        if self.relieved:
            await self.project.stop_engine()

    async def _started_again(self) -> None:
        """Where our engine has just died: until its guard has started it again."""
        folder = self.project.place.data
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEAD_SECONDS):
                while not engines.has_ended_in_order(folder, self.mark) and self._processes()[0] is None:  # noqa: ASYNC110 (as above)
                    await asyncio.sleep(CHECK_SECONDS / 10)

    def _tell(self, started: StartedEngine) -> None:
        if started.info is None:
            return
        if started.info.pid == started.process.pid:
            self.say(f"{_told(started.info)}. Ctrl-C stops it.")
        else:
            self.say(f"{_told(started.info)} already; this one stands by. Ctrl-C ends it.")


def _teller(call: Invocation) -> Callable[[str], None]:
    """What tells a person what holds something up."""
    return (lambda _: None) if call.quiet else output.note


def _told(engine: EngineInfo) -> str:
    return f"The engine works, process {engine.pid} on {engine.host}"


def _data(engine: EngineInfo | None) -> JsonObject | None:
    return None if engine is None else {"id": engine.id, "pid": engine.pid, "host": engine.host, "since": iso(engine.since)}
