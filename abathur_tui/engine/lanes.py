"""Lanes: what their runtimes take at once, asked before the first claim, so that a claimed task begins without waiting for it."""

from sqlite3 import Connection

from abathur_tui.domain.conversation import FailureKind, Limits
from abathur_tui.domain.errors import AbathurError, RowUnreadable, RuntimeFailure
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.domain.leases import LaneState
from abathur_tui.engine.account import hold_for_account
from abathur_tui.engine.workshop import Workshop
from abathur_tui.processes import open_files
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import journal, queue, swarm


def at_once(settings: Swarm, choice: RuntimeChoice, limits: Limits) -> int | None:
    """How many agents may work with a model at once: the least of what its runtime takes and what the settings say; None: as many as there are."""
    said = settings.per_model.get(choice.model or choice.runtime)
    return min((limit for limit in (said, limits.parallel) if limit is not None), default=None)


def limited(c: Connection, engine: str, what: str, asked: int, possible: int, now: float, held_by: str = open_files.TOLD) -> None:
    """Tell that this process cannot have as many at once as were asked for."""
    text = f"{possible} {what} at once, not {asked}: {held_by}."
    journal.notice(c, "warning", text, now)
    swarm.audit(c, "swarm.limited", text, {"asked": asked, "possible": possible}, "engine", now, engine=engine)


class Lanes:
    """Which lanes are ready to be claimed from."""

    def __init__(self, shop: Workshop) -> None:
        """None yet."""
        self._shop = shop
        self._prepared: set[str] = set()
        self._reached: dict[str, tuple[RuntimeChoice, Limits]] = {}
        """What is known of lanes' runtimes."""
        self._preparing: set[str] = set()

    @property
    def preparing(self) -> bool:
        """Whether some lane is being prepared."""
        return bool(self._preparing)

    @property
    def prepared(self) -> frozenset[str]:
        """Those that may be claimed from."""
        return frozenset(self._prepared)

    @property
    def of_programs(self) -> list[str]:
        """Those whose agents are programs, each of which takes memory of its own."""
        return [lane for lane, (_, limits) in self._reached.items() if limits.programs]

    def wants(self, state: LaneState) -> bool:
        """Whether somebody must `prepare` it now; true once."""
        wanted = state.ready and state.lane != queue.JOIN_LANE and state.lane not in self._prepared | self._preparing
        if wanted:
            self._preparing.add(state.lane)
        return wanted

    def use(self, settings: Swarm) -> None:
        """So many agents may work with each model from now on."""
        for lane, (choice, limits) in self._reached.items():
            self._shop.slots.limit_lane(lane, at_once(settings, choice, limits))

    async def prepare(self, state: LaneState) -> None:
        """Open its runtime and learn its limits. A failure is left to the first task that meets it, unless it is the account's."""
        try:
            if state.runtime is None:
                raise RowUnreadable(f"How the lane {state.lane} is run cannot be read.")
            _, limits = await self._shop.runtimes.reach(state.runtime)
            self._reached[state.lane] = state.runtime, limits
            self._shop.slots.limit_lane(state.lane, at_once(self._shop.settings.swarm, state.runtime, limits))
            self._prepared.add(state.lane)
            if state.runtime.runtime is RuntimeName.COMMAND and limits.parallel is not None:
                await self._tell_few(limits.parallel, limits.held_by)
        except AbathurError as error:
            await self._not_prepared(state, error)
        except Exception as error:  # whatever it is, a task of that lane meets it too, and keeps it as its own failure
            self._shop.log.error("lane.broke", repr(error), lane=state.lane)
            self._prepared.add(state.lane)
        finally:
            self._preparing.discard(state.lane)
            self._shop.slots.look_again()

    async def _tell_few(self, programs: int, held_by: str) -> None:
        """Where fewer programs may run than agents may work, say it."""
        if programs < (agents := self._shop.slots.limit):
            await self._shop.database.write(limited, self._shop.engine, "programs run", agents, programs, self._shop.clock.now(), held_by)

    async def _not_prepared(self, state: LaneState, error: AbathurError) -> None:
        if state.runtime is None or not isinstance(error, RuntimeFailure) or error.kind is not FailureKind.ACCOUNT:
            self._shop.log.warning("lane.unknown", error.message, code=error.code, lane=state.lane)
            self._prepared.add(state.lane)
            if isinstance(error, RowUnreadable):
                text = f"{error.message} ({error.code}). Each of its tasks is run as its execution says, where that can be read."
                await self._shop.database.write(journal.notice, "warning", text, self._shop.clock.now())
            return
        self._shop.log.warning("lane.held", error.message, code=error.code, lane=state.lane)
        self._shop.runtimes.refused(state.runtime)
        await self._shop.database.write(hold_for_account, state.lane, error, self._shop.clock.now())
