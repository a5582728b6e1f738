"""The log as lines: many voices, each in pieces, stay readable."""

from abathur_tui.domain.journal import LogEntry
from abathur_tui.screen.logbook import KEPT_LINES, Logbook


def says(turn: int, text: str, task: int = 1) -> LogEntry:
    return LogEntry(1.0, task, turn, 1, "info", "says", text, 1, turn, 0)


def entry(kind: str, text: str, turn: int | None = None, task: int = 1) -> LogEntry:
    return LogEntry(2.0, task, 1, 1, "info", kind, text, 1, turn)


def texts(book: Logbook) -> list[str]:
    return [line.text for line in book.lines]


def test_pieces_of_two_voices_become_whole_lines_of_each() -> None:
    book = Logbook()
    book.add([says(1, "I will mo"), says(2, "Two fin"), says(1, "ve it.\nThen"), says(2, "dings.\n")])

    assert texts(book) == ["I will move it.", "Two findings."]
    assert [line.text for line in book.speaking()] == ["Then"]


def test_the_end_of_a_turn_completes_its_last_line() -> None:
    book = Logbook()
    book.add([says(1, "no end"), entry("turn", "turn 1", turn=1)])

    assert texts(book) == ["no end", "turn 1"]
    assert list(book.speaking()) == []


def test_the_end_of_a_task_completes_what_it_was_saying() -> None:
    book = Logbook()
    book.add([says(1, "cut o", task=7), entry("status", "cancelled", task=7)])

    assert texts(book) == ["cut o", "cancelled"]


def test_only_the_first_line_of_a_speech_names_its_speaker() -> None:
    book = Logbook()
    book.add([says(1, "one\ntwo\n")])

    assert [line.first for line in book.lines] == [True, False]


def test_a_line_without_an_end_is_taken_as_one() -> None:
    book = Logbook()
    book.add([says(1, "x" * 5000)])

    assert texts(book) == ["x" * 5000]


def test_old_lines_are_let_go() -> None:
    book = Logbook()
    book.add([entry("notice", str(number)) for number in range(KEPT_LINES * 2)])

    assert len(book.lines) <= KEPT_LINES + KEPT_LINES // 5
    assert book.lines[-1].text == str(KEPT_LINES * 2 - 1)
    assert book.dropped + len(book.lines) == KEPT_LINES * 2
