"""A task's conversation with its model, as steps: ask, use tools, answered. Every finished step is in the journal before the next
one begins, so that whoever comes after a crash goes on from there."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import assert_never

from abathur_tui.domain.conversation import (
    LogLine,
    Message,
    TextBlock,
    TextDelta,
    ToolOutcome,
    ToolResultBlock,
    ToolUseBlock,
    TurnDone,
    TurnRequest,
    message_data,
)
from abathur_tui.domain.errors import AgentStalled, AnswerDeclined, AnswerIncomplete, TooManyTurns
from abathur_tui.domain.ids import AgentId, agent_text
from abathur_tui.domain.journal import Saved
from abathur_tui.engine import subagents
from abathur_tui.engine.output import Output, Piece
from abathur_tui.engine.steps import Answered, Ask, BegunTurn, FinishedTurn, Parties, Step, UseTools
from abathur_tui.engine.subagents import Spawner
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import agents, journal
from abathur_tui.storage.journal import Answer
from abathur_tui.storage.queue import LastTurn
from abathur_tui.storage.records import LONG, Text, keep

MAX_TURNS = 50
"""Turns of one attempt."""
_GO_ON = "Your answer was cut off at its limit of length. Continue exactly where it stopped: repeat nothing, and add no introduction."
_CUT_CALL = "Not run: the answer was cut off at its limit of length before this call was complete."
_UNKNOWN_CALL = (
    "Unknown outcome: this call was begun, and the program died before it ended. It was not repeated. "
    "Look at what it may have done before you make it again."
)


@dataclass
class _OpenTurn:
    """A turn that is under way."""

    id: int
    output: Output
    _rest: list[Piece | None] = field(default_factory=list)

    def rest(self) -> Piece | None:
        """What was said and not written, taken once: a transaction that is run again gets the same."""
        if not self._rest:
            self._rest.append(self.output.take())
        return self._rest[0]


class Conversation:
    """One attempt at a task by an agent, from its prompt (or its last finished step) to its answer."""

    def __init__(
        self,
        shop: Workshop,
        parties: Parties,
        saved: Saved,
        *,
        engage: Callable[[Connection], int],
        conclude: Callable[[Connection, str | Text], None],
        stall_seconds: float,
        complaint: str = "",
        allow: Callable[[], Awaitable[None]] | None = None,
        begun: BegunTurn | None = None,
    ) -> None:
        """`saved`: what earlier attempts have left. `stall_seconds`: how long a turn may be silent. `complaint`: why an answer there does not do.

        `allow` raises where there must be no further turn. `engage` is part of the transaction that begins the first step, and gives the agent;
        `conclude` of the one that ends the last. With `begun` the first step has begun, and `conclude` does nothing but complete the task.
        """
        self._shop = shop
        self._who = parties
        self._engage = engage
        self._conclude = conclude
        self._allow = allow
        self._stall_seconds = stall_seconds
        self._complaint = complaint
        self.agent: int | None = None
        """Who does it, from the first step on."""
        self._messages: list[Message] = [Message("user", (TextBlock(parties.prompt),))]
        self._number = max((turn.number for turn in saved.turns), default=0)
        self._asked = 0
        self._cut: list[str] = []
        """The beginnings of an answer that was cut off at its limit of length."""
        self._open: _OpenTurn | None = None
        self._begun = begun
        self.handed_in = False
        """Whether its end was handed in with others'."""
        if begun is not None:
            self._opened((begun.agent, begun.turn))
        # A turn that was declined leads nowhere: whoever retries the task wants it asked again.
        self._last = next((turn for turn in reversed(saved.turns) if turn.stop_reason != "refusal"), None)

    async def run(self) -> None:
        """Talk until the answer is concluded. Raises RuntimeFailure, AnswerDeclined, TooManyTurns, AgentStalled and LeaseLost."""
        step = self._resume()
        if isinstance(step, Answered):
            await self._shop.database.write(self._conclude, step.text)
        while True:
            match step:
                case Ask():
                    step = await self._ask()
                case UseTools(turn):
                    step = await self._use_tools(turn)
                case Answered():
                    return
                case _:
                    assert_never(step)

    def leave(self, c: Connection, reason: str, now: float) -> None:
        """Part of the transaction that ends an attempt before its answer: what was said in the open turn is kept."""
        if self._open is not None:
            if (piece := self._open.rest()) is not None:
                self._journal(c, self._open.id, piece, now)
            journal.abandon_turn(c, self._who.lease, self._open.id, reason, now)

    def part(self) -> None:
        """It is over, and its open turn was left."""
        self._open = None

    def _resume(self) -> Step:
        if self._last is None:
            return Ask()
        last = self._last
        self._messages = list(last.request)
        if len(last.request) > 1 and last.request[-1].text == _GO_ON:
            self._cut = [last.request[-2].text]
        step = self._after(FinishedTurn(last.id, last.message, last.stop_reason, last.outcomes, last.unknown))
        if isinstance(step, Answered) and self._complaint and all(message.text != self._complaint for message in last.request):
            self._messages.append(Message("user", (TextBlock(self._complaint),)))
            return Ask()
        return step

    async def _ask(self) -> Step:
        if self._asked == MAX_TURNS:
            raise TooManyTurns(f"The agent had no answer after {MAX_TURNS} turns.")
        if self._allow is not None:
            await self._allow()
        self._asked += 1
        self._number += 1
        if self._open is None:
            await self._shop.database.write_kept(self._opened, self._begin)
        assert self._open is not None
        turn, output = self._open.id, self._open.output
        done = await self._listen(output)
        finished = FinishedTurn(turn, done.message, done.stop_reason)
        step: Step | AnswerDeclined
        try:
            step = self._after(finished)
        except AnswerDeclined as error:
            step = error
        answer = step.text if isinstance(step, Answered) else None
        if self._begun is not None and isinstance(step, Answered) and output.is_whole and _is_one_text(done, step.text):
            await self._hand_in(self._begun, done)
            return step
        long = await self._keep_long(done) if len(done.message.text) > LONG else None
        await self._shop.database.write_kept(self._closed, self._finish, turn, output.take(), done, answer, long)
        if isinstance(step, AnswerDeclined):
            raise step
        return step

    async def _keep_long(self, done: TurnDone) -> Answer:
        """A long answer, whose texts are kept before the turn is finished: else all others would wait meanwhile for what they have to write."""
        answer = await asyncio.to_thread(journal.answer_of, done)
        for text in (answer.text, answer.message):
            await self._shop.database.write(keep, text)
        return answer

    async def _hand_in(self, begun: BegunTurn, done: TurnDone) -> None:
        self.handed_in = True
        last = LastTurn(self._who.lease, begun.execution, begun.definition, begun.agent, begun.turn, done)
        handed = self._shop.desk.hand_in(last, begun.slot)
        try:
            await handed.settled()
        finally:
            if handed.handed_on:
                self.agent = None
        self._open = None

    def _opened(self, begun: tuple[int, int]) -> None:
        self.agent, turn = begun
        self._open = _OpenTurn(turn, Output(lambda piece: self._write(turn, piece)))

    def _closed(self, _: None) -> None:
        self._open = self._begun = None

    async def _listen(self, output: Output) -> TurnDone:
        """The turn's end, after all of its pieces went on their way to the journal."""
        assert self.agent is not None
        request = TurnRequest(
            system=self._who.system,
            messages=tuple(self._messages),
            tools=tuple([tool.definition for tool in self._who.tools.values()]),
            max_output_tokens=self._who.limits.output_tokens,
            caller=self._who.caller if self._begun is not None else self._who.caller._replace(agent=agent_text(AgentId(self.agent))),
            model=self._who.model,
        )
        answer: TurnDone | Exception
        try:
            async with asyncio.TaskGroup() as group:
                output.flow(group)
                try:
                    answer = await self._hear(request, output)
                except Exception as error:  # raised below, once what was said before it is in the journal
                    answer = error
                finally:
                    output.end()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        if isinstance(answer, Exception):
            try:
                raise answer
            finally:
                del answer  # its traceback holds this frame, and all that was said
        return answer

    async def _hear(self, request: TurnRequest, output: Output) -> TurnDone:
        """The turn's end."""
        done: TurnDone | None = None
        events = self._who.runtime.turn(request)
        try:
            with self._shop.watchdog.limit(self._stall_seconds) as silence:
                async for event in events:
                    if isinstance(event, TurnDone):
                        done = event
                        continue
                    silence.pause()  # the model's silence counts, not the time that our own disk takes
                    await self._take(event, output)
                    silence.begin_anew()
        except TimeoutError as error:
            if not silence.expired:
                raise
            raise AgentStalled(f"Nothing was heard of it for {self._stall_seconds:g} seconds (`swarm.stall_seconds`).") from error
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()  # which ends the request or process that serves it
        if done is None:
            raise AnswerIncomplete("The runtime's answer has no end.")
        return done

    async def _take(self, event: TextDelta | LogLine, output: Output) -> None:
        match event:
            case TextDelta(text):
                await output.say(text)
            case LogLine(text):
                output.log(text)
            case _:
                assert_never(event)

    async def _use_tools(self, turn: FinishedTurn) -> Step:
        outcomes = dict(turn.outcomes)
        spawner = self._who.tools.get(subagents.NAME)
        if isinstance(spawner, Spawner):
            outcomes |= await self._spawn(turn, spawner)
        for call in turn.message.tool_uses:
            if call.id in outcomes:
                continue
            if call.id in turn.unknown:
                outcomes[call.id] = ToolOutcome(_UNKNOWN_CALL, is_error=True)
            else:
                outcomes[call.id] = await self._use(turn, call)
        self._tell(turn, outcomes)
        return Ask()

    async def _spawn(self, turn: FinishedTurn, spawner: Spawner) -> dict[str, ToolOutcome]:
        """The outcomes of the calls for sub-agents, which work side by side; those that were begun before a crash are gone on with."""
        wanted = [call for call in turn.message.tool_uses if call.name == subagents.NAME and call.id not in turn.outcomes]
        calls = list({call.id: call for call in wanted}.values())  # there are servers that give two calls of a turn the same id
        if not calls or turn.stop_reason == "max_tokens":
            return {}
        for call in calls:
            await self._shop.database.write_kept(self._intended, self._intend, turn.id, call)
        outcomes = await spawner.run_all(turn.id, {call.id: call.input for call in calls})
        for call in calls:
            await self._shop.database.write(self._done, turn.id, call.id, outcomes[call.id])
        return outcomes

    async def _use(self, turn: FinishedTurn, call: ToolUseBlock) -> ToolOutcome:
        if turn.stop_reason == "max_tokens":
            return ToolOutcome(_CUT_CALL, is_error=True)
        await self._shop.database.write_kept(self._intended, self._intend, turn.id, call)
        tool = self._who.tools.get(call.name)
        if tool is None:
            names = ", ".join(self._who.tools) or "none"
            outcome = ToolOutcome(f"There is no tool {call.name!r}. There are: {names}.", is_error=True, summary="no such tool")
        else:
            try:
                outcome = await tool.run(call.input)
            except Exception as error:  # a mistake in a tool is the model's to go round, and ours to find in the log
                self._shop.log.error("tool.broke", f"{call.name}: {error!r}", task=self._who.lease.task)
                outcome = ToolOutcome(f"The tool broke: {error}", is_error=True, summary="broke")
        await self._shop.database.write(self._done, turn.id, call.id, outcome)
        return outcome

    def _after(self, turn: FinishedTurn) -> Step:
        """What follows a finished turn; adds it to what the model is sent."""
        if turn.stop_reason == "refusal":
            raise AnswerDeclined(f"The model declined to answer. {turn.message.text}".strip())
        if turn.message.blocks:
            self._messages.append(turn.message)
        if turn.message.tool_uses:
            self._cut = []
            return UseTools(turn)
        if turn.stop_reason == "pause_turn":
            return Ask()
        text = "".join([*self._cut, turn.message.text])
        if turn.stop_reason != "max_tokens":
            self._cut = []
            return Answered(text)
        if self._cut or not turn.message.text:
            return Answered(text)
        self._cut = [turn.message.text]
        self._messages.append(Message("user", (TextBlock(_GO_ON),)))
        return Ask()

    def _tell(self, turn: FinishedTurn, outcomes: Mapping[str, ToolOutcome]) -> None:
        results = (ToolResultBlock(call.id, outcomes[call.id].text, outcomes[call.id].is_error) for call in turn.message.tool_uses)
        self._messages.append(Message("user", tuple(results)))

    # Parts of transactions. `now` is taken inside, where the row is written.

    def _begin(self, c: Connection) -> tuple[int, int]:
        now = self._shop.clock.now()
        agent = self._engage(c) if self.agent is None else self.agent
        if self._last is None and self._asked == 1:
            journal.set_prompt(c, self._who.lease, self._who.prompt, self._who.system)
        turn = journal.begin_turn(c, self._who.lease, self._number, agent, [message_data(message) for message in self._messages], now)
        agents.activity(c, agent, "thinking", self._number, now)
        return agent, turn

    def _finish(self, c: Connection, turn: int, rest: Piece | None, done: TurnDone, answer: str | None, long: Answer | None) -> None:
        now = self._shop.clock.now()
        if rest is not None:
            self._journal(c, turn, rest, now)
        journal.finish_turn(c, self._who.lease, turn, done, now, long)
        if done.stop_reason == "max_tokens":
            journal.log(c, self._who.lease, "warning", "notice", "the answer was cut off at its limit of length", now)
        if answer is not None:
            if not answer.strip():
                journal.log(c, self._who.lease, "warning", "notice", "the answer is empty", now)
            self._conclude(c, long.text if long is not None and long.text.body == answer else answer)

    async def _write(self, turn: int, piece: Piece) -> None:
        await self._shop.database.write(lambda c: self._journal(c, turn, piece, self._shop.clock.now()))

    def _journal(self, c: Connection, turn: int, piece: Piece, now: float) -> None:
        if piece.text:
            journal.append_output(c, self._who.lease, turn, piece.offset, piece.text, now)
        for line in piece.lines:
            journal.log(c, self._who.lease, "info", "stderr", line, now)

    def _intend(self, c: Connection, turn: int, call: ToolUseBlock) -> int:
        now = self._shop.clock.now()
        agent = self._engage(c) if self.agent is None else self.agent
        journal.intend_tool(c, self._who.lease, turn, call, now)
        agents.activity(c, agent, call.name, self._number, now)
        return agent

    def _intended(self, agent: int) -> None:
        self.agent = agent

    def _done(self, c: Connection, turn: int, call: str, outcome: ToolOutcome) -> None:
        journal.finish_tool(c, self._who.lease, turn, call, outcome, self._shop.clock.now())


def _is_one_text(done: TurnDone, answer: str) -> bool:
    """Whether the turn that has answered is its text and nothing else, so that the text is all there is to keep."""
    return done.stop_reason != "max_tokens" and done.message.blocks == (TextBlock(answer),) and bool(answer.strip())
