"""The engine: one process's life, from becoming the project's active engine to its end in order."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from sqlite3 import Connection

from abathur_tui.domain.errors import AbathurError, Exit, ProjectGone
from abathur_tui.engine import keys as key_socket
from abathur_tui.engine.account import free_accounts
from abathur_tui.engine.answers import Answers
from abathur_tui.engine.caretaker import Caretaker
from abathur_tui.engine.desk import Desk
from abathur_tui.engine.endings import Endings
from abathur_tui.engine.equipment import UNTIL_IDLE, Equipment, Manner
from abathur_tui.engine.foreman import Foreman
from abathur_tui.engine.leases import Heartbeat
from abathur_tui.engine.left import left
from abathur_tui.engine.live_settings import LiveSettings
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.mishaps import Mishaps
from abathur_tui.engine.patient import PASSING, PatientDatabase, to_its_end
from abathur_tui.engine.pool import RuntimePool
from abathur_tui.engine.rescue import Rescue
from abathur_tui.engine.resources import Resources
from abathur_tui.engine.silence import End, Silence
from abathur_tui.engine.slots import Slots
from abathur_tui.engine.status_commands import StatusCommands
from abathur_tui.engine.swarm import Swarm
from abathur_tui.engine.watchdog import Watchdog
from abathur_tui.engine.worker import Stop
from abathur_tui.engine.workshop import Workshop
from abathur_tui.settings import Settings
from abathur_tui.storage import Database, engines, journal, queue, swarm
from abathur_tui.storage.engines import EngineRow, HeldLock, Trouble
from abathur_tui.storage.failures import translated

POLL_SECONDS = 0.02
"""How often it asks whether the database has changed, while there is work."""
IDLE_POLL_SECONDS = 0.04
"""The same, while there is none."""
RESCUE_SECONDS = 1.0
"""How often it looks for dead engines."""
STANDBY_SECONDS = 0.2
"""How often an engine that stands by tries to become the active one."""


class Engine:
    """One engine. `run` it once."""

    def __init__(self, database: Database, equipment: Equipment, manner: Manner = UNTIL_IDLE, *, id: str | None = None) -> None:
        """`id`: a UUID that no other engine ever had."""
        self.id = id or str(uuid.uuid4())
        self.log = EngineLog(database.folder / "logs", equipment.settings.monitoring.log_level, equipment.clock, self.id)
        self._raw = database
        self._with = equipment
        self._manner = manner
        self._database = PatientDatabase(database, self.log, equipment.clock, self._broke, equipment.gone_seconds)
        queue_settings = equipment.settings.queue
        self._rescue = Rescue(database.folder, self.id, self._database, queue_settings.lease_seconds, equipment.clock, self.log)
        self._silence = Silence(database, queue_settings.lease_seconds, equipment.clock)
        self._caretaker = Caretaker(self._database, equipment.clock, self.log, equipment.settings.monitoring.retention_days, equipment.seal_seconds)
        self._wake = asyncio.Event()
        self._shop = Workshop(
            engine=self.id,
            project=equipment.project,
            database=self._database,
            live=LiveSettings(equipment.settings),
            registry=equipment.registry,
            runtimes=RuntimePool(equipment.open_runtime, equipment.keys, equipment.children),
            children=equipment.children,
            tools=equipment.tools,
            slots=Slots(equipment.settings.swarm.max_agents, self._wake.set, equipment.most_agents),
            swarm=Swarm(equipment.settings.swarm.idle_seconds),
            resources=Resources(
                self.id,
                self._database,
                equipment.children,
                equipment.settings.resources,
                equipment.clock,
                self.log,
                self._wake.set,
                equipment.sample_seconds,
            ),
            endings=Endings(self._wake.set),
            answers=Answers(self._wake.set),
            desk=Desk(self._database, equipment.clock),
            watchdog=Watchdog(),
            clock=equipment.clock,
            log=self.log,
        )
        self._commands = StatusCommands(queue_settings.on_status, self._database, equipment.children, equipment.project, equipment.clock, self.log)
        self._heart: Heartbeat | None = None
        """None before it is the active one."""
        self._stopping = False
        self._broken: AbathurError | None = None
        self._free_accounts = manner.ordered
        self._active: HeldLock | None = None
        self._life: HeldLock | None = None
        self._idle_since: float | None = None
        self._is_awaited = equipment.replaces
        """Whether it is to go on after another one, however long that takes."""
        self._has_looked = False
        """For engines that have died: none ends for want of work before that."""

    async def use(self, settings: Settings) -> None:
        """Work by these settings from now on, and say what that changes."""
        changes = self._shop.live.use(settings)
        lease = settings.queue.lease_seconds
        self._rescue.use(lease)
        self._silence.use(lease)
        if self._heart is not None:
            self._heart.use(settings.queue.heartbeat_seconds, lease)
        self._commands.use(settings.queue.on_status)
        self._caretaker.use(settings.monitoring.retention_days)
        self.log.level = settings.monitoring.log_level
        self._wake.set()
        for change in changes:
            await self.tell("config.changed", change)

    async def tell(self, event: str, text: str) -> None:
        """Say something that a person may want to know: in the engine's log, and among what all screens show."""
        self.log.warning(event, text)
        await self._database.write(lambda c: journal.notice(c, "warning", text, self._with.clock.now()))

    def stay(self) -> None:
        """Somebody has asked for an engine that does not end when idle, and found this one."""
        self._manner = replace(self._manner, stay=True)
        self.log.info("engine.stays", "somebody has asked for an engine that stays")
        self._wake.set()

    def stop(self) -> None:
        """Order the end: tasks go back to the queue, and nothing counts against them."""
        if not self._stopping:
            self._stopping = True
            self._with.on_stop()
            self.log.info("engine.stopping", "a stop was ordered")
            self._wake.set()

    async def run(self) -> Exit:
        """Work until there is a reason to end. Cancelling it is an ordered stop too."""
        try:
            end = await self._become_active()
            if end is not None:
                self.log.info("engine.not_needed", "another engine is active, or a stop was ordered")
                return end
            return await self._live()
        finally:
            if self._active is not None:
                self._active.release()
            if self._life is not None:
                self._life.release()
                with contextlib.suppress(OSError):  # only its lock's file; without its folder there is none
                    engines.forget(self._raw.folder, self.id)
                self.log.info("engine.ended", "")

    async def _live(self) -> Exit:
        while not await self._locks(self._hold_life_lock):
            if self._stopping:
                return Exit.DONE
        loop = asyncio.get_running_loop()
        heart = self._heart = Heartbeat(
            self._beat,
            lambda: loop.call_soon_threadsafe(self._superseded),
            heartbeat_seconds=self._shop.settings.queue.heartbeat_seconds,
            lease_seconds=self._shop.settings.queue.lease_seconds,
            clock=self._with.clock,
        )
        # Whoever sees the engine's row may hand over keys at once.
        async with self._listening():
            now = self._with.clock.now()
            asked: int | None = await self._database.read(swarm.limit)
            self._shop.slots.resize(asked or self._shop.slots.limit)
            row = EngineRow(self.id, os.getpid(), socket.gethostname(), now, limit=self._shop.slots.limit)
            await self._database.write(_register, row, now)
            self.log.info("engine.started", f"process {os.getpid()}, {self._shop.slots.limit} slots")
            self._with.on_work()
            heart.start()
            try:
                return await self._work(heart)
            finally:
                await asyncio.to_thread(heart.stop)
                await self._leave()

    def _keep_life(self, lock: HeldLock) -> None:
        self._life = lock
        # Beside the database, in which nothing can be written at such a time.
        self._database.tell = lambda error: lock.say(None if error is None else Trouble(error.code, error.message))

    def _keep_active(self, lock: HeldLock | None) -> None:
        self._active = lock

    async def _locks(self, hold: Callable[[], Awaitable[None]]) -> bool:
        """Try to take a lock; False where the disk is in the way, and that is waited for."""
        try:
            with translated(self._raw.folder):
                await hold()
        except PASSING as error:
            if not self._is_awaited:
                raise
            self.log.warning("engine.waits", f"{error.message} The engine waits until that is over.", code=error.code)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESCUE_SECONDS):
                    await self._wake.wait()
            return False
        return True

    async def _hold_life_lock(self) -> None:
        await to_its_end(asyncio.to_thread(engines.hold_life_lock, self._raw.folder, self.id), self._keep_life)

    async def _hold_engine_lock(self) -> None:
        await to_its_end(asyncio.to_thread(engines.hold_engine_lock, self._raw.folder, self.id), self._keep_active)

    async def _become_active(self) -> Exit | None:
        """Take the engine lock, or wait for it as the manner says; None when it is ours, else how this engine ends."""
        handed_over = False
        while not self._stopping and self._broken is None:
            if not await self._locks(self._hold_engine_lock):
                continue
            if self._active is not None:
                return None
            self._is_awaited = True
            if self._manner.ordered and not handed_over:
                handed_over = await self._hand_over()
            if self._manner.drain and (end := (await self._database.read(left)).drained) is not None:
                return end
            if not self._manner.standby and not self._manner.drain:
                return Exit.DONE
            if await self._end_silent() is not None:
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STANDBY_SECONDS):
                    await self._wake.wait()
        return Exit.DONE if self._broken is None else Exit.FAILED

    async def _end_silent(self) -> End | None:
        """End the active engine where it has given no sign of life for its whole lease; what has become of it."""
        try:
            silent = await asyncio.to_thread(self._silence.found)
            end = None if silent is None else await asyncio.to_thread(self._silence.end, silent)
        except AbathurError:
            return None  # The trouble that keeps both from writing is told where this one waits for it.
        if silent is not None and end is not None:
            told = f"engine {silent.holder.engine} (process {silent.holder.pid}) gave no sign of life for its whole lease: {end.value}"
            self.log.warning("engine.superseded", told, other=silent.holder.engine)
        return end

    async def _hand_over(self) -> bool:
        """What was ordered of us while another engine is active: it gets our keys, and tries what an account had refused."""
        keys = {fingerprint: self._with.keys[fingerprint] for fingerprint in self._with.keys}
        if keys:
            await asyncio.to_thread(key_socket.hand_over, self._raw.folder, keys)
        await free_accounts(self._database, self._with.clock.now())
        return True

    async def _work(self, heart: Heartbeat) -> Exit:
        async with asyncio.TaskGroup() as group:
            foreman = Foreman(self._shop, group, self._superseded)
            watching = group.create_task(self._watch(heart))
            rescuing = group.create_task(self._keep_rescuing())
            desk = group.create_task(self._shop.desk.run(foreman.errand))
            measuring = group.create_task(self._shop.resources.watch(lambda: foreman.busy, foreman.stop_youngest))
            caring = group.create_task(self._caretaker.run())
            commanding = group.create_task(self._commands.run())
            try:
                with contextlib.suppress(AbathurError):  # the rounds meet the same trouble
                    await self._commands.begin()
                return await self._rounds(foreman)
            finally:
                rescuing.cancel()
                measuring.cancel()
                caring.cancel()
                await foreman.close(Stop.ABANDON if self._broken is not None else Stop.RELEASE, self._with.release_seconds)
                await self._commands.close(commanding, self._with.release_seconds)
                watching.cancel()
                desk.cancel()

    async def _rounds(self, foreman: Foreman) -> Exit:
        mishaps = Mishaps("round.broke", "The engine could not look for work.", self._database, self._with.clock, self.log)
        while not self._is_stopping:
            changed = self._wake.is_set()
            self._wake.clear()
            if self._is_broken:
                return Exit.FAILED
            try:
                if self._free_accounts:
                    self._free_accounts = False
                    await free_accounts(self._database, self._with.clock.now())
                ready = await foreman.round(changed)
                # Whoever waits for tasks inside it that wait for a person or a time does not hold up a drain: `left` knows.
                if ready or (foreman.busy and not self._manner.drain):
                    self._idle_since = None
                elif (end := await self._end_when_idle()) is not None:
                    return end
            except Exception as error:
                if self._broken is not None:
                    return Exit.FAILED
                await mishaps.met(error)  # whoever works goes on
            else:
                mishaps.over()
                await self._sleep(foreman.seconds_to_next_round())
            await self._wait_after(mishaps)
        return Exit.FAILED if self._is_broken else Exit.DONE

    async def _wait_after(self, mishaps: Mishaps) -> None:
        """Until it may be tried again, whatever changes meanwhile."""
        while not self._stopping and self._broken is None and (until := mishaps.until) is not None:
            self._wake.clear()
            await self._sleep(until - self._with.clock.monotonic())

    async def _sleep(self, seconds: float | None) -> None:
        if self._idle_since is not None and not self._manner.stay and not self._manner.drain:
            until = self._idle_since + self._shop.settings.system.idle_seconds - self._with.clock.monotonic()
            seconds = until if seconds is None else min(seconds, until)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if seconds is None else max(seconds, 0)):
                await self._wake.wait()

    async def _end_when_idle(self) -> Exit | None:
        """Whether an engine with nothing to do ends now; it looks once more after it has let go of the lock, so that no task is left."""
        if not self._has_looked:
            return None
        rest = await self._database.read(left)
        now = self._with.clock.monotonic()
        end: Exit | None = None
        if self._manner.drain:
            end = rest.drained
        elif rest.later or rest.untold:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif not self._manner.stay and now - self._idle_since >= self._shop.settings.system.idle_seconds:
            end = Exit.DONE
        if end is None or self._active is None:
            return end
        self._active.release()
        again = await self._database.read(left)
        # Or a person has just answered one of the tasks that waited for that.
        if not again.ready and not (again.running and not rest.running) and (self._manner.drain or not again.later):
            return end
        await self._hold_engine_lock()
        self._idle_since = None
        return end if self._active is None else None

    async def _watch(self, heart: Heartbeat) -> None:
        """Wake the rounds when anybody has changed the database, and tick for the heartbeat."""
        seen: int | None = None
        while True:
            heart.tick()
            if self._active is not None and self._active.is_taken_over:
                self._superseded()
            try:
                version = self._raw.data_version()
            except AbathurError:
                version = -1  # the round meets the same trouble, and waits for its end
                if seen != version:
                    with contextlib.suppress(AbathurError):  # the writer saves what can be saved, before somebody else writes
                        await self._raw.write(lambda _: None)
            if version != seen:
                seen = version
                self._wake.set()
                self._commands.changed()
                self._caretaker.changed()
            await asyncio.sleep(POLL_SECONDS if self._idle_since is None else IDLE_POLL_SECONDS)

    async def _keep_rescuing(self) -> None:
        while not self._is_broken:
            try:
                with translated(self._raw.folder):
                    if await self._rescue.look():
                        self._wake.set()
            except AbathurError as error:
                self.log.warning("rescue.failed", error.message, code=error.code)
            except Exception as error:  # who works goes on, and the others wait for a later look
                self.log.broke("rescue.broke", error)
            if not self._has_looked:
                self._has_looked = True
                self._wake.set()
            await asyncio.sleep(RESCUE_SECONDS)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Take keys at the socket, if there can be one."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(key_socket.receiving(self._raw.folder, self._take_keys))
            except OSError as error:
                self.log.warning("keys.no_socket", f"no keys can be handed over: {error}")
            yield

    async def _take_keys(self, keys: dict[str, str]) -> None:
        for fingerprint, key in reversed(keys.items()):  # the one that the SDK would take, the first, becomes the newest
            self._with.keys.add(fingerprint, key)
            self._shop.runtimes.key_arrived(fingerprint)
        if keys:
            # Before the sender hears that they were taken: whoever then finds a lane held knows that these did not help.
            await free_accounts(self._database, self._with.clock.now())
        self._wake.set()

    def _beat(self) -> bool:
        """Say that it lives; False where somebody has superseded it. Runs in the heartbeat's thread."""
        return self._raw.write_now(self._beat_once)

    def _beat_once(self, c: Connection) -> bool:
        row = engines.row(c, self.id)
        if row is None or row.ended_at is not None:
            return False
        engines.beat(c, self.id, self._shop.slots.busy, self._shop.slots.limit, self._with.clock.now())
        return True

    @property
    def replaceable(self) -> bool:
        """Whether another engine could go on where this one ended: its database is another one now, or somebody has removed its log."""
        return isinstance(self._broken, ProjectGone) and not self._stopping and self._raw.is_replaced

    @property
    def _is_stopping(self) -> bool:
        return self._stopping

    @property
    def _is_broken(self) -> bool:
        return self._broken is not None

    def _superseded(self) -> None:
        if self._stopping:
            return
        self.log.warning("engine.superseded", "it was stopped for longer than its lease, and another engine has taken over")
        self.stop()

    def _broke(self, error: AbathurError) -> None:
        if self._broken is None:
            self._broken = error
            self.log.error("engine.broken", error.message, code=error.code)
            self._wake.set()

    async def _leave(self) -> None:
        """End what still runs, and the engine's row; a task that no worker could give back is rescued from ourselves."""
        await self._shop.runtimes.aclose()
        await self._with.children.aclose()
        if self._database.waits:  # `release_seconds` are over, and one who waits for the stop waits no longer
            self.log.warning("engine.not_ended", "its row could not be ended: the database cannot be written")
        elif self._broken is None:
            try:
                async with asyncio.timeout(self._with.release_seconds):
                    await self._database.write(queue.recover, self.id, self._with.clock.now())
                    await self._caretaker.seal()
            except (AbathurError, TimeoutError) as error:
                self.log.warning("engine.not_ended", f"its row could not be ended: {error}")


def _register(c: Connection, row: EngineRow, now: float) -> None:
    engines.register(c, row, now)
    swarm.open_gate(c)  # an engine that died may have left it closed
