"""Turns as tests ask for them."""

from collections.abc import AsyncIterator

from abathur_tui.domain.conversation import Caller, Event, LogLine, Message, Runtime, TextBlock, TextDelta, ToolDefinition, TurnDone, TurnRequest

CALLER = Caller(project="/project", execution="x1", task="t1", agent="generalist", attempt=1, instance=1, instances=1)
READ_FILE = ToolDefinition("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]})


def request(
    *messages: Message | str,
    system: str = "You are helpful.",
    tools: tuple[ToolDefinition, ...] = (),
    max_output_tokens: int = 1000,
    model: str | None = None,
) -> TurnRequest:
    """A turn to be answered; texts are the user's."""
    said = tuple(Message("user", (TextBlock(message),)) if isinstance(message, str) else message for message in messages)
    return TurnRequest(system, said, tools, max_output_tokens, CALLER, model)


class Turn:
    """What came of a turn."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.deltas: list[str] = []
        self.log: list[str] = []
        self.done: TurnDone | None = None

    @property
    def end(self) -> TurnDone:
        """Its end, which there must be."""
        assert self.done is not None
        return self.done

    def take(self, event: Event) -> None:
        """Add an event."""
        match event:
            case TextDelta(text):
                self.deltas.append(text)
            case LogLine(text):
                self.log.append(text)
            case TurnDone():
                self.done = event


async def answer(runtime: Runtime, asked: TurnRequest | None = None, turn: Turn | None = None) -> Turn:
    """Let a runtime answer; what it said before it failed is in `turn`, where one is given."""
    turn = turn or Turn()
    events: AsyncIterator[Event] = runtime.turn(asked or request("Say hello."))
    async for event in events:
        turn.take(event)
    return turn
