"""The queue on a real file against a plain model of it, through any order of everything that can happen.

`queue_machine.py` has what happens to tasks one by one; here is what is done to many at once, what agents share, people say and the file keeps.
"""

import os
from dataclasses import dataclass
from sqlite3 import Connection

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from abathur_tui.domain.conversation import Message, TextBlock, ToolOutcome, ToolUseBlock, TurnDone, Usage, message_data
from abathur_tui.domain.errors import ChangeRefused, CyclicDependencies, QueueFull, StateChanged
from abathur_tui.domain.execution import SubmitOptions
from abathur_tui.domain.leases import Claim, Lease
from abathur_tui.domain.loops import Pass, Verdict
from abathur_tui.domain.plan import Edge, PlanNode
from abathur_tui.domain.questions import Asking, OfOption, Possible
from abathur_tui.storage import agents, journal, questions, queue, retention, seals, sharing, views
from abathur_tui.storage.checking import check_folder
from abathur_tui.storage.queue import FirstTurn, LastTurn
from tests.storage.building import LANE, RUNTIME, node, plan
from tests.storage.model import ENDED, ModelTask
from tests.storage.queue_machine import QueueMachine, engines, pick, shapes

DONE = TurnDone(Message("assistant", (TextBlock("the answer"),)), "end_turn", Usage(10, 5), "model-1", 0.25)

ACTIONS = (
    "complete",
    "complete",
    "begin_turn",
    "talk",
    "talk",
    "share_next",
    "ask_a_person",
    "ask_and_answer",
    "go_through_a_loop",
    "park",
    "unpark",
)
"""What workers do, as often as they do it."""


@dataclass
class Conversation:
    """What the worker of a running task does, one by one: an open turn, perhaps with a tool call."""

    lease: Lease
    agent: int
    turn: int
    number: int
    call: str | None = None


class Machine(QueueMachine):
    """More rules, and what must hold of all that they write."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once: list[LastTurn] = []
        """Turns that were begun many at a time, and have not been handed in; of some the lease is lost."""
        self.talks: dict[int, Conversation] = {}
        self.doing: dict[int, tuple[Lease, int]] = {}
        """Task to the agent that does it, under which lease."""
        self.turns: dict[int, int] = {}
        """Task to the number of its finished turns, in its round."""
        self.shared: dict[tuple[int, str], int] = {}
        """Execution and key to the version."""
        self.asked: dict[int, int] = {}
        """Open question to the task that asks."""
        self.answered: dict[int, int] = {}
        self.passes: dict[tuple[int, int], int] = {}
        """A loop's task and round to how many passes it has finished."""
        self.under_way: dict[tuple[int, int], int] = {}
        """The same to the task that is its next pass."""
        self.looks = 0

    @rule(engine=engines, stays=st.integers(0, 3))
    def hold_or_free_the_lane(self, engine: str, stays: int) -> None:
        self._hold_or_free()
        if self.model.lane_held and stays:
            # For one claim: where it always stayed so, little would ever be done.
            self.claim(limit=4, engine=engine)
            self._hold_or_free()

    def _hold_or_free(self) -> None:
        if self.model.lane_held:
            self.database.write_now(queue.free_lane, LANE, "me", self.now)
        else:
            self.database.write_now(queue.hold_lane, LANE, "quota", None, "no more", "engine", self.now)
        self.model.lane_held = not self.model.lane_held

    # Much in one step: by single ones alone too little would ever be done

    @rule(engine=engines, limit=st.integers(1, 4), actions=st.lists(st.tuples(st.sampled_from(ACTIONS), pick), min_size=3, max_size=10))
    def work(self, engine: str, limit: int, actions: list[tuple[str, int]]) -> None:
        self.claim(limit=limit, engine=engine)
        for action, number in actions:
            if self.leases:
                getattr(self, action)(number=number)

    def talk(self, number: int) -> None:
        """A turn, and a tool call that it asked for."""
        self.begin_turn(number=number)
        if self._talks():
            self.finish_turn(number=number)
        self.call_a_tool(number=number)

    def share_next(self, number: int) -> None:
        """The version that there is, raised by one."""
        _, task = super()._lease(number, keep=True)
        self.share(number=number, key="a", version=self.shared.get((task.execution, "a"), 0))

    def ask_and_answer(self, number: int) -> None:
        """At once."""
        self.ask_a_person(number=number)
        self.answer(number=number, option=1 + number % 2)

    @rule(engine=engines, limit=st.integers(2, 5), number=pick)
    def work_at_once(self, engine: str, limit: int, number: int) -> None:
        self.claim_and_begin_at_once(limit=limit, engine=engine)
        if self.at_once:
            self.end_at_once(number=number, most=limit)

    # Many at once

    @rule(limit=st.integers(1, 5), engine=engines)
    def claim_and_begin_at_once(self, limit: int, engine: str) -> None:
        def operation(c: Connection) -> tuple[list[Claim], list[LastTurn]]:
            claims = queue.take(c, engine, {LANE: 100}, limit, self.now)
            plain = [claim for claim in claims if claim.lease.task in queue.plain(c, claims)]
            firsts = [FirstTurn(claim, None, None, "generalist", "You are.", f"prompt {claim.lease.task}", False) for claim in plain]
            begun = queue.begin_turns(c, firsts, self.now) if firsts else []
            doing = {claim.lease.task: agent for claim, (agent, _) in zip(plain, begun, strict=True)}
            queue.begin_attempts(c, [(claim, doing.get(claim.lease.task)) for claim in claims], self.now)
            return claims, [
                LastTurn(claim.lease, claim.execution, "generalist", agent, turn, DONE) for claim, (agent, turn) in zip(plain, begun, strict=True)
            ]

        claims, begun = self.database.write_now(operation)
        expected = self.model.claim(limit, engine)
        assert [(one.lease.task, one.attempt, one.failures) for one in claims] == [(one.id, one.attempt, one.failures) for one in expected]
        self.leases |= {one.lease.task: one.lease for one in claims}
        self.ever += [one.lease for one in claims]
        self.started |= {one.lease.task for one in claims}
        self.at_once += begun
        self.doing |= {last.lease.task: (last.lease, last.agent) for last in begun}

    @precondition(lambda self: bool(self.at_once))
    @rule(number=pick, most=st.integers(1, 4))
    def end_at_once(self, number: int, most: int) -> None:
        engine = self.at_once[number % len(self.at_once)].lease.engine
        lasts = [last for last in self.at_once if last.lease.engine == engine][:most]

        def operation(c: Connection) -> list[bool]:
            holds = queue.end_turns(c, lasts, self.now)
            queue.free_agents(c, [last for last, is_held in zip(lasts, holds, strict=True) if is_held], self.now)
            return holds

        holds = self.database.write_now(operation)
        assert holds == [self.leases.get(last.lease.task) == last.lease for last in lasts]
        for last, is_held in zip(lasts, holds, strict=True):
            self.at_once.remove(last)
            if is_held:
                del self.leases[last.lease.task], self.doing[last.lease.task]
                self.model.tasks[last.lease.task].crashes = 0
                self.model.end(self.model.tasks[last.lease.task], "completed")
                self.completed[last.lease.task] = "the answer"

    def _lease(self, number: int, *, keep: bool = False) -> tuple[Lease, ModelTask]:
        lease, task = super()._lease(number, keep=keep)
        if not keep:
            # Whoever ends a task has broken off what was being said; as workers do.
            for turn in [last.turn for last in self.at_once if last.lease == lease] + [one.turn for one in self.talks.values() if one.lease == lease]:
                self.database.write_now(journal.abandon_turn, lease, turn, "broken off", self.now)
            self.at_once = [last for last in self.at_once if last.lease != lease]
            self.talks.pop(task.id, None)
            if self.doing.get(task.id, (None, 0))[0] == lease:
                self.database.write_now(agents.set_state, self.doing.pop(task.id)[1], "IDLE", self.now)
        return lease, task

    # One turn after the other

    def _talks(self) -> list[Conversation]:
        self.talks = {id: one for id, one in self.talks.items() if self.leases.get(id) == one.lease}
        return list(self.talks.values())

    @precondition(lambda self: bool(self.leases))
    @rule(number=pick)
    def begin_turn(self, number: int) -> None:
        lease, task = super()._lease(number, keep=True)
        if task.parked or any(last.lease == lease for last in self.at_once) or any(one.lease == lease for one in self._talks()):
            return
        known, agent = self.doing.get(task.id, (None, 0))
        if known != lease:
            agent = self.database.write_now(agents.spawn, lease, "generalist", None, self.now)
            self.database.write_now(agents.set_state, agent, "IDLE", self.now)
            self.database.write_now(agents.assign, lease, agent, self.now)
            self.doing[task.id] = lease, agent
        count = len(self.database.read_now(journal.conversation, task.id).turns)
        said = [message_data(Message("user", (TextBlock("go on"),)))]
        turn = self.database.write_now(journal.begin_turn, lease, count + 1, agent, said, self.now)
        self.database.write_now(journal.append_output, lease, turn, 0, "half", self.now)
        self.talks[task.id] = Conversation(lease, agent, turn, count + 1)

    @precondition(lambda self: bool(self._talks()))
    @rule(number=pick)
    def finish_turn(self, number: int) -> None:
        talk = self._talks()[number % len(self.talks)]
        self.database.write_now(journal.finish_turn, talk.lease, talk.turn, DONE, self.now)
        self.model.tasks[talk.lease.task].crashes = 0
        del self.talks[talk.lease.task]

    @precondition(lambda self: bool(self.leases))
    @rule(number=pick)
    def call_a_tool(self, number: int) -> None:
        lease, task = super()._lease(number, keep=True)
        turns = self.database.read_now(lambda c: c.execute("SELECT max(id) FROM turns WHERE task = ? AND state = 'done'", (task.id,)).fetchone())
        if turns[0] is None:
            return
        call = ToolUseBlock(f"call {self.database.data_version()} {len(self.ever)} {self.now} {number}", "look", {})
        self.database.write_now(journal.intend_tool, lease, turns[0], call, self.now)
        if number % 2:
            self.database.write_now(journal.finish_tool, lease, turns[0], call.id, ToolOutcome("seen"), self.now)
            task.crashes = 0

    # Loops

    @precondition(lambda self: bool(self.leases))
    @rule(number=pick)
    def go_through_a_loop(self, number: int) -> None:
        held = self.database.read_now(
            lambda c: c.execute("SELECT id, round FROM tasks WHERE kind = 'loop' AND status = 'running' ORDER BY id").fetchall()
        )
        if not held:
            return
        loop: tuple[int, int] = held[number % len(held)]
        lease, task = self.leases[loop[0]], self.model.tasks[loop[0]]
        one = self.model.tasks.get(self.under_way.get(loop, 0))
        if one is None or one.status in ENDED - {"completed"}:
            # Without a pass's number, so that it does not end with the loop: the model knows nothing of that.
            id = self.database.write_now(queue.add_child, lease, node("pass"), self.now)
            one = ModelTask(id, task.execution, task.seq, task.priority, False, False, False, task.id, {})
            self.model.add([one])
            self.under_way[loop] = id
        self.claim(limit=4, engine=lease.engine)
        if one.id in self.leases:
            self.complete(number=sorted(self.leases).index(one.id))
        if one.status == "completed":
            following = self.passes.get(loop, 0) + 1
            done = Pass(following, one.id, "better", {"n": 1.0}, Verdict.CONTINUE, "", 10, 5, 1.0, 0.25, self.now)
            self.database.write_now(journal.finish_pass, lease, done, self.now)
            task.crashes = 0
            self.passes[loop] = following
            del self.under_way[loop]

    @invariant()
    def passes_have_no_gap(self) -> None:
        found = self.database.read_now(lambda c: c.execute("SELECT task, round, number FROM passes ORDER BY 1, 2, 3").fetchall())
        assert found == [(*loop, number) for loop, count in sorted(self.passes.items()) for number in range(1, count + 1)]

    # What an execution's agents share

    @precondition(lambda self: bool(self.leases))
    @rule(number=pick, key=st.sampled_from(["a", "b"]), version=st.integers(0, 3))
    def share(self, number: int, key: str, version: int) -> None:
        lease, task = super()._lease(number, keep=True)
        present = self.shared.get((task.execution, key), 0)
        if version == present:
            entry = self.database.write_now(sharing.write, lease, key, {"by": task.id}, version, self.now)
            assert entry.version == present + 1
            self.shared[task.execution, key] = entry.version
        else:
            with pytest.raises(StateChanged):
                self.database.write_now(sharing.write, lease, key, {"by": task.id}, version, self.now)

    # Questions to people

    @precondition(lambda self: bool(self.leases))
    @rule(number=pick)
    def ask_a_person(self, number: int) -> None:
        lease, task = super()._lease(number, keep=True)
        wanted = [Asking("key", "port", "Which?", (Possible(1, (task.id,)), Possible(2, (task.id,))))]
        [question] = self.database.write_now(questions.ask, lease, wanted, self.now).questions
        if question.id in self.answered:
            assert question.answer is not None, "it had been answered before, and is not asked again"
        else:
            self.asked[question.id] = task.id

    @precondition(lambda self: bool(self.asked or self.answered))
    @rule(number=pick, option=st.integers(1, 2))
    def answer(self, number: int, option: int) -> None:
        ids = sorted(self.asked | self.answered)
        id = ids[number % len(ids)]
        [told] = self.database.write_now(questions.answer, [id], OfOption(option), "me", self.now)
        if id in self.answered or self.model.tasks[self.asked[id]].status in ENDED:
            assert isinstance(told.error, ChangeRefused)
        else:
            assert told.error is None
            self.answered[id] = self.asked.pop(id)

    # What is refused changes nothing

    @rule(shape=shapes(), room=st.integers(-2, 1))
    def submit_what_may_not_fit(self, shape: tuple[list[PlanNode], list[Edge]], room: int) -> None:
        nodes, edges = shape
        queued = sum(not task.is_join and task.status not in ENDED for task in self.model.tasks.values())
        more = sum(one.kind.value != "join" for one in nodes)
        options = SubmitOptions(RUNTIME, max_size=max(queued + more + room, 0))
        if queued + more > options.max_size:
            with pytest.raises(QueueFull):
                self.database.write_now(queue.submit, plan(nodes, edges), options, self.now)
        else:
            self._made(self.database.write_now(queue.submit, plan(nodes, edges), options, self.now), shape, (), None, False)

        with pytest.raises(CyclicDependencies):
            self.database.write_now(queue.submit, plan(["a", "b", "c"], [("a", "b"), ("b", "a")]), SubmitOptions(RUNTIME), self.now)

    # The file

    @rule()
    def seal(self) -> None:
        self.database.write_now(seals.seal_some, self.now)
        assert self.database.read_now(seals.verify).unsealed == 0

    @rule(number=pick)
    def purge(self, number: int) -> None:
        executions = {task.execution for task in self.model.tasks.values()} - self.model.purged
        ended = sorted(one for one in executions if self.model.may_purge(one))
        if number % 4 == 0 or not ended:
            not_ended = sorted(executions - set(ended))
            if not_ended:
                with pytest.raises(ChangeRefused):
                    self.database.write_now(retention.purge, [not_ended[number % len(not_ended)]], "me", self.now)
            return
        execution = ended[number % len(ended)]
        self.database.write_now(retention.purge, [execution], "me", self.now)
        self.model.purged.add(execution)
        self.shared = {key: version for key, version in self.shared.items() if key[0] != execution}

    # What must hold

    @invariant()
    def the_check_of_the_file_finds_nothing(self) -> None:
        self.looks += 1
        if self.looks % 4 and not EXAMPLES:
            return  # it costs more than all else; at the end it is made in any case
        problems = check_folder(self.folder / ".abathur").problems
        left = [problem for problem in problems if "its engine" not in problem]  # no real engine is registered here
        assert left == [], left

    @invariant()
    def who_runs_has_one_attempt_and_who_does_not_has_none(self) -> None:
        open_attempts = self.database.read_now(
            lambda c: c.execute("SELECT task, epoch FROM attempts WHERE outcome = 'running' ORDER BY 1").fetchall()
        )
        assert open_attempts == sorted((lease.task, lease.epoch) for lease in self.leases.values())

    @invariant()
    def what_is_shared_has_the_version_that_was_written(self) -> None:
        found = self.database.read_now(lambda c: c.execute("SELECT execution, key, version FROM state").fetchall())
        assert {(execution, key): version for execution, key, version in found} == self.shared

    @invariant()
    def nobody_says_anything_of_a_task_that_does_not_run(self) -> None:
        left = self.database.read_now(lambda c: c.execute("SELECT task FROM turns WHERE state = 'open' UNION SELECT task FROM output").fetchall())
        assert {task for (task,) in left} <= set(self.leases)

    @invariant()
    def the_seals_hold(self) -> None:
        assert self.database.read_now(seals.verify).ok

    @invariant()
    def every_task_counts_once_in_every_view(self) -> None:
        assert sum(self.database.read_now(views.counts).values()) == len(self.model.tasks)


EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "0"))
"""How many for a long run, each anew; 0: a few that are always the same."""
Machine.TestCase.settings = settings(
    max_examples=EXAMPLES or 12,
    stateful_step_count=50 if EXAMPLES else 25,
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestQueue = pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")(Machine.TestCase)
