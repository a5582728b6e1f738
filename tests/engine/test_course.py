"""What the next pass is told."""

from collections.abc import Sequence

from abathur_tui.domain.courses import best_pass
from abathur_tui.domain.loops import Direction, Pass, ThresholdCriterion, Verdict
from abathur_tui.engine.course import Account, told, tried_in

LOSS = ThresholdCriterion("loss", 0.1, Direction.MINIMIZE, "cat loss")


def a_pass(number: int, loss: float | None, output: str = "") -> Pass:
    metrics = {} if loss is None else {"loss": loss}
    verdict = Verdict.INCONCLUSIVE if loss is None else Verdict.CONTINUE
    return Pass(number, number, output or f"output {number}", metrics, verdict, f"reason {number}", 1, 1, 1.0, None, 0.0)


def told_of(passes: Sequence[Pass], most: int = 10_000, *, afresh: bool = False) -> str:
    tried = {done.number: tried_in(done.output) for done in passes}
    return told(Account(passes, LOSS, best_pass(LOSS, passes), passes[-1] if passes else None, tried, afresh=afresh), most)


def test_the_first_pass_is_told_nothing() -> None:
    assert told_of([]) == ""


def test_the_next_pass_is_told_the_trend_the_verdict_and_the_best_output() -> None:
    text = told_of([a_pass(1, 3), a_pass(2, 1), a_pass(3, 2)])

    assert "After each pass it is checked: loss at most 0.1" in text
    assert "- pass 2: loss 1 (the best): output 2" in text
    assert "The last verdict: continue. reason 3" in text
    assert "Start from the best output." in text
    assert "## The best output so far (pass 2)\n\noutput 2" in text
    assert "## The last output (pass 3)\n\noutput 3" in text


def test_a_pass_that_could_not_be_measured_says_why() -> None:
    assert "- pass 2: not measured (reason 2)" in told_of([a_pass(1, 3), a_pass(2, None)])


def test_what_is_told_keeps_to_its_room() -> None:
    text = told_of([a_pass(1, 1, "word " * 10_000), a_pass(2, 2, "word " * 10_000)], 4000)

    assert len(text) < 4500
    assert "cut for length" in text


def test_what_is_told_does_not_grow_with_the_number_of_passes() -> None:
    few, many = (told_of([a_pass(number, 1000 - number) for number in range(1, most)]) for most in (20, 1000))

    assert len(many) < len(few) + 50
    assert "- passes 1 to 987: not listed" in many


def test_the_best_pass_is_listed_however_long_ago_it_was() -> None:
    assert "- pass 1: loss 0.5 (the best)" in told_of([a_pass(1, 0.5), *(a_pass(number, 1) for number in range(2, 100))])


def test_a_fresh_attempt_is_told_what_was_tried_and_not_the_outputs() -> None:
    text = told_of([a_pass(1, 1, "# Use a cache\n\nlong story"), a_pass(2, 2, "Add an index")], afresh=True)

    assert "start afresh" in text
    assert "- pass 1: loss 1 (the best): Use a cache" in text
    assert "long story" not in text
