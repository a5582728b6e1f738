"""Output on its way to the journal."""

import asyncio

from abathur_tui.engine import output
from abathur_tui.engine.output import Output, Piece
from tests.engine.clocks import let_pass


async def test_tokens_are_gathered_into_few_writes_with_their_offsets() -> None:
    written: list[Piece] = []

    async def write(piece: Piece) -> None:
        written.append(piece)

    said = Output(write)
    asyncio.get_running_loop().time = lambda: 1000.0  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        said.flow(group)
        for number in range(200):
            await said.say("ab")
            await asyncio.sleep(0)
            if number % 50 == 49:
                let_pass(output.INTERVAL_SECONDS)
        said.end()
    if (rest := said.take()) is not None:
        written.append(rest)

    assert "".join(piece.text for piece in written) == "ab" * 200
    assert [piece.offset for piece in written] == [sum(len(piece.text) for piece in written[:index]) for index in range(len(written))]
    assert 3 <= len(written) <= 5


async def test_whoever_is_far_ahead_of_the_disk_waits_for_it() -> None:
    disk = asyncio.Event()

    async def write(_: Piece) -> None:
        await disk.wait()

    said = Output(write)
    async with asyncio.TaskGroup() as group:
        said.flow(group)
        await said.say("x")
        await asyncio.sleep(0)
        saying = group.create_task(said.say("y" * (output.BUFFER_CHARACTERS + 1)))
        await asyncio.sleep(0.01)
        assert not saying.done()
        disk.set()
        await saying
        said.end()


async def test_a_flood_of_log_lines_is_counted_instead_of_kept() -> None:
    async def write(_: Piece) -> None:
        pass

    said = Output(write)
    for number in range(output.LINES_AT_ONCE + 5):
        said.log(str(number))

    piece = said.take()

    assert piece is not None
    assert piece.lines[-1] == "… 5 more lines, too fast to keep"
    assert len(piece.lines) == output.LINES_AT_ONCE + 1
