"""The merged tail: everything once, in order, however late and in whatever pieces it is read."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abathur_tui.domain.clock import iso
from abathur_tui.domain.conversation import ToolOutcome, ToolUseBlock
from abathur_tui.domain.journal import LogCursor, LogEntry
from abathur_tui.storage import Database, agents, journal, queue, views
from tests.storage.building import BAD, NOW, chain, claim, claim_one, fail, finish, plan, said, submit


def read_all(database: Database, cursor: LogCursor | None = None, *, limit: int = 1000, **wanted: int) -> tuple[list[LogEntry], LogCursor]:
    """Until there is no more."""
    entries: list[LogEntry] = []
    cursor = cursor or LogCursor()
    while True:
        more, cursor = database.read_now(views.log_since, cursor, limit=limit, **wanted)
        if not more:
            return entries, cursor
        entries += more


def speech(entries: list[LogEntry]) -> dict[int | None, str]:
    """What each turn says, put together from its pieces; they must fit."""
    texts: dict[int | None, str] = {}
    for entry in entries:
        if entry.kind == "says":
            so_far = texts.get(entry.turn, "")
            assert entry.offset == len(so_far)
            texts[entry.turn] = so_far + entry.text
    return texts


class Writing:
    """Somebody who writes a line each second, of another source each time, by a clock that can be set; and what was written, in order."""

    def __init__(self, database: Database) -> None:
        """A task whose turn is open, for what is said."""
        self._database = database
        self.now = NOW
        submit(database, plan(["a"]))
        self._lease = claim_one(database).lease
        self._turn = database.write_now(journal.begin_turn, self._lease, 1, None, [], NOW)
        self._said = 0
        self.lines: list[str] = []

    def write(self, *sources: str) -> None:
        """Each under a number of its own."""
        for source in sources:
            self.now += 1
            text = f"{len(self.lines)} "
            match source:
                case "log":
                    self._database.write_now(journal.notice, "info", text, self.now)
                case "audit":
                    submit(self._database, plan([text.strip()]), now=self.now)
                case _:
                    self._database.write_now(journal.append_output, self._lease, self._turn, self._said, text, self.now)
                    self._said += len(text)
            self.lines.append(text.strip())

    def set_clock(self, seconds: float, *, noticed: bool = True) -> None:
        """As an engine does that looks at it; where it is not `noticed` at once, the next call with 0 does."""
        self.now += seconds
        if noticed:
            self._database.write_now(queue.clock_set_back, self.now)


def numbers(entries: list[LogEntry]) -> list[str]:
    """What `Writing` wrote."""
    words = [entry.text.removeprefix("do ").split()[0] for entry in entries]
    return [word for word in words if word.isdecimal()]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
def test_a_clock_that_jumps_back_and_forward_again_changes_no_order(database: Database, limit: int) -> None:
    writing = Writing(database)
    writing.write("audit", "log", "says", "log", "audit")
    writing.set_clock(-3600, noticed=False)
    writing.write("says", "audit", "log", "audit")
    writing.set_clock(0)  # an engine notices a little later, when some lines stand there by the new time
    writing.write("log", "audit", "says", "audit")
    writing.set_clock(3600)
    writing.write("log", "says", "audit")
    writing.set_clock(-86_400)
    writing.write("audit", "audit", "says", "log")

    entries, _ = read_all(database, limit=limit)
    assert numbers(entries) == writing.lines
    tail, cursor = database.read_now(views.log_since, None, limit=limit)
    assert numbers(tail) == numbers(entries[-limit:])
    # Who has seen the tail goes on from it, also where the clock is set back once more.
    writing.set_clock(-7200)
    writing.write("log", "says", "audit")
    more, _ = read_all(database, cursor, limit=limit)
    assert numbers(more) == writing.lines[-3:]


@pytest.mark.parametrize("quiet", ["log", "audit"])
def test_who_was_quiet_before_or_after_the_clock_was_set_back_keeps_their_place(database: Database, quiet: str) -> None:
    other = {"log": "audit", "audit": "log"}[quiet]
    writing = Writing(database)
    writing.write(other, quiet, other)
    writing.set_clock(7200)
    writing.write(other, other)
    writing.set_clock(-3600)
    writing.write(other)
    writing.set_clock(3000)  # past the time of most of what stands there
    writing.write(other)
    assert numbers(read_all(database)[0]) == writing.lines
    writing.write(quiet, other)
    assert numbers(read_all(database)[0]) == writing.lines


def test_the_log_says_that_the_clock_was_set_back_and_only_then(database: Database) -> None:
    writing = Writing(database)
    writing.write("audit", "log")
    for seconds in (0, 3600, -0.5, -1, 0, -3600, 0, 0):
        writing.set_clock(seconds)
    (told,) = [entry for entry in read_all(database)[0] if "clock" in entry.text]
    assert (told.level, told.text) == ("warning", f"the clock was set back: it had been {iso(NOW + 2)}, and is {iso(NOW + 0.5)}")


@pytest.mark.parametrize("noted", ["", "{", "null", "7", "[7]", '[[1, 2, "3"]]', "[[1, 2]]", "[" * 100_000])
def test_a_note_about_the_clock_that_cannot_be_read_hides_no_line(database: Database, noted: str) -> None:
    writing = Writing(database)
    writing.write("audit", "log", "says")
    database.write_now(lambda c: c.execute("INSERT INTO meta (key, value) VALUES ('clock_set_back', ?)", (noted,)).rowcount)
    assert numbers(read_all(database)[0]) == writing.lines
    writing.set_clock(-3600)
    writing.write("log", "audit")
    assert numbers(read_all(database)[0]) == writing.lines


def test_what_was_said_before_the_clock_was_set_back_is_heard_before_what_is_said_after(database: Database) -> None:
    # Given a turn that begins before and is finished after it, when what it said is moved into the turn,
    submit(database, plan(["a", "b"]))
    early, late = (one.lease for one in claim(database, 2))
    for lease, now in ((early, NOW), (late, NOW - 3600)):
        turn = database.write_now(journal.begin_turn, lease, 1, None, [], now)
        database.write_now(journal.append_output, lease, turn, 0, "one ", now + 1)
        if lease is early:
            _, cursor = read_all(database)
            database.write_now(queue.clock_set_back, NOW - 3600)
            database.write_now(journal.finish_turn, lease, turn, said("one two"), NOW - 3600)
    # then who has heard a part is given the rest, and who comes late all of it, in order.
    assert [entry.text for entry in read_all(database, cursor)[0] if entry.kind == "says"] == ["two", "one "]
    assert [entry.text for entry in read_all(database)[0] if entry.kind == "says"] == ["one two", "one "]


def test_a_source_with_many_rows_is_not_left_behind_by_one_with_few(database: Database) -> None:
    writing = Writing(database)
    writing.write("log", *["audit"] * 5, "says", *["audit"] * 5, "log", *["audit"] * 5, "says")
    assert numbers(read_all(database, limit=3)[0]) == writing.lines


def test_a_life_in_lines(database: Database) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    agent = database.write_now(agents.spawn, lease, "tester", None, NOW + 1)
    database.write_now(agents.assign, lease, agent, NOW + 1)
    turn = database.write_now(journal.begin_turn, lease, 1, agent, [], NOW + 2)
    database.write_now(journal.append_output, lease, turn, 0, "I will ", NOW + 3)
    database.write_now(journal.finish_turn, lease, turn, said("I will look"), NOW + 4)
    database.write_now(journal.intend_tool, lease, turn, ToolUseBlock("c", "grep", {"pattern": "x"}), NOW + 5)
    database.write_now(journal.finish_tool, lease, turn, "c", ToolOutcome("3", summary="x (3 matches)"), NOW + 6)
    database.write_now(journal.metric, lease, 1, "latency_ms", 118.0, NOW + 7)
    database.write_now(journal.log, lease, "warning", "stderr", "careful", NOW + 8)
    database.write_now(journal.notice, "info", "something about nobody", NOW + 9)
    database.write_now(queue.complete, lease, "done", NOW + 10)
    entries, _ = read_all(database)
    lines = [(entry.kind, entry.level, entry.text) for entry in entries if entry.kind != "agent"]
    assert lines == [
        ("status", "info", "do a pending: submitted"),
        ("status", "info", "do a running"),
        ("says", "info", "I will look"),
        ("turn", "info", "turn 1: 100 in, 20 out, end_turn"),
        ("tool", "info", "grep x (3 matches)"),
        ("metric", "info", "latency_ms = 118"),
        ("stderr", "warning", "careful"),
        ("notice", "info", "something about nobody"),
        ("status", "info", "do a completed"),
    ]
    assert {entry.agent for entry in entries if entry.kind in ("says", "tool", "metric", "stderr")} == {agent}
    assert {entry.execution for entry in entries if entry.text != "something about nobody"} == {1}


def test_a_follower_is_given_each_piece_once(database: Database) -> None:
    # Given a follower who reads after each piece,
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    turn = database.write_now(journal.begin_turn, lease, 1, None, [], NOW)
    _, cursor = read_all(database)
    pieces = []
    for offset, text in ((0, "One "), (4, "two "), (8, "three")):
        database.write_now(journal.append_output, lease, turn, offset, text, NOW)
        more, cursor = read_all(database, cursor)
        pieces += [(entry.offset, entry.text) for entry in more]
    # when the turn is finished with a little more than was written,
    database.write_now(journal.finish_turn, lease, turn, said("One two three."), NOW)
    more, cursor = read_all(database, cursor)
    # then only the rest comes, and then nothing.
    assert pieces == [(0, "One "), (4, "two "), (8, "three")]
    assert (more[0].kind, more[0].text) == ("says", ".")
    assert read_all(database, cursor)[0] == []
    assert cursor.spoken == {}


def test_what_a_broken_off_turn_said_is_not_said_again(database: Database) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    turn = database.write_now(journal.begin_turn, lease, 1, None, [], NOW)
    database.write_now(journal.append_output, lease, turn, 0, "half", NOW)
    entries, cursor = read_all(database)
    database.write_now(queue.fail, lease, BAD, NOW)
    more, _ = read_all(database, cursor)
    assert speech(entries + more) == {turn: "half"}
    assert ("turn", "warning", "broken off: failed") in [(entry.kind, entry.level, entry.text) for entry in more]


def test_what_failed_stands_out(database: Database) -> None:
    submit(database, chain(2))
    fail(database, claim_one(database))
    entries, _ = read_all(database)
    assert [(entry.level, entry.text) for entry in entries][-2:] == [
        ("error", f"do n0 failed: {BAD.message}"),
        ("error", "do n1 failed: t1 (do n0) failed, and this needs it"),
    ]


def test_a_filter_gives_only_what_is_asked_for(database: Database) -> None:
    for _ in range(2):
        submit(database, plan(["a", "b"]))
    claims = claim(database, 4)
    agent = database.write_now(agents.spawn, claims[0].lease, "tester", None, NOW)
    for one in claims:
        turn = database.write_now(journal.begin_turn, one.lease, 1, agent if one is claims[0] else None, [], NOW)
        database.write_now(journal.append_output, one.lease, turn, 0, f"I am {one.lease.task}", NOW)
    assert {entry.task for entry in read_all(database, task=2)[0]} == {2}
    assert {entry.execution for entry in read_all(database, execution=2)[0]} == {2}
    assert {entry.agent for entry in read_all(database, agent=agent)[0]} == {agent}
    assert "I am 1" in [entry.text for entry in read_all(database, agent=agent)[0]]
    # A filter that nothing fits reads to the end all the same, and goes on from there.
    entries, cursor = read_all(database, task=99)
    assert entries == []
    assert cursor.audit > 0


def test_small_bites_give_the_same_as_one_big_one(database: Database) -> None:
    submit(database, chain(30))
    for _ in range(30):
        finish(database, claim_one(database))
    whole, _ = read_all(database)
    bites, _ = read_all(database, limit=7)
    assert [(entry.kind, entry.id) for entry in bites] == [(entry.kind, entry.id) for entry in whole]


def test_the_tail_is_the_last_lines_and_goes_on_from_there(database: Database) -> None:
    submit(database, chain(30))
    entries, cursor = database.read_now(views.log_since, None, limit=5)
    assert [entry.text.split()[1] for entry in entries] == ["n25", "n26", "n27", "n28", "n29"]
    assert database.read_now(views.log_since, cursor) == ([], cursor)
    claim_one(database)
    more, _ = database.read_now(views.log_since, cursor)
    assert [entry.text for entry in more] == ["do n0 running"]


def test_held_lanes_requests_and_priorities_are_told(database: Database) -> None:
    task = submit(database, plan(["a"])).root
    database.write_now(queue.hold_lane, "local:default", "key", None, "the key is refused", "engine", NOW)
    database.write_now(queue.reprioritize, [task], "me", NOW, 9)
    texts = [(entry.level, entry.text) for entry in read_all(database)[0]]
    assert ("warning", "local:default held: the key is refused") in texts
    assert ("info", "do a: priority 5 → 9") in texts


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["say", "read", "end", "crash"]), min_size=1, max_size=25))
def test_whenever_it_is_read_every_turn_is_heard_whole_and_once(database: Database, steps: list[str]) -> None:
    submit(database, plan(["a"]))
    lease = claim_one(database).lease
    entries, cursor = read_all(database)
    said_so_far = {turn: "" for turn in [database.write_now(journal.begin_turn, lease, 1, None, [], NOW)]}

    def current() -> int:
        return max(said_so_far)

    def say() -> None:
        text = f"word{len(said_so_far[current()])} "
        database.write_now(journal.append_output, lease, current(), len(said_so_far[current()]), text, NOW)
        said_so_far[current()] += text

    def read() -> None:
        nonlocal cursor
        more, cursor = read_all(database, cursor)
        entries.extend(more)

    def end() -> None:
        said_so_far[current()] += "end"
        database.write_now(journal.finish_turn, lease, current(), said(said_so_far[current()]), NOW)
        said_so_far[database.write_now(journal.begin_turn, lease, 2, None, [], NOW)] = ""

    def crash() -> None:
        database.write_now(journal.abandon_turn, lease, current(), "crash", NOW)
        said_so_far[database.write_now(journal.begin_turn, lease, 2, None, [], NOW)] = ""

    doing: dict[str, Callable[[], None]] = {"say": say, "read": read, "end": end, "crash": crash}
    for step in steps:
        doing[step]()
    read()
    assert {turn: text for turn, text in speech(entries).items() if turn in said_so_far} == {turn: text for turn, text in said_so_far.items() if text}
    database.write_now(queue.complete, lease, "done", NOW)
