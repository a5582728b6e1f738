"""What the next pass is told, and which pass is the best."""

from abathur_tui.domain.loops import Direction, Pass, ThresholdCriterion, Verdict
from abathur_tui.engine.course import best_pass, told

LOSS = ThresholdCriterion("loss", 0.1, Direction.MINIMIZE, "cat loss")


def a_pass(number: int, loss: float | None, output: str = "") -> Pass:
    metrics = {} if loss is None else {"loss": loss}
    verdict = Verdict.INCONCLUSIVE if loss is None else Verdict.CONTINUE
    return Pass(number, number, output or f"output {number}", metrics, verdict, f"reason {number}", 1, 1, 1.0, None, 0.0)


def test_the_best_pass_has_the_best_value_and_of_equals_the_earlier_one() -> None:
    passes = [a_pass(1, 3), a_pass(2, 1), a_pass(3, None), a_pass(4, 1)]

    best = best_pass(passes, LOSS)

    assert best is not None
    assert best.number == 2


def test_where_nothing_was_measured_the_last_pass_stands_for_the_best() -> None:
    best = best_pass([a_pass(1, None), a_pass(2, None)], LOSS)

    assert best is not None
    assert best.number == 2


def test_the_first_pass_is_told_nothing() -> None:
    assert told([], LOSS, 1000) == ""


def test_the_next_pass_is_told_the_trend_the_verdict_and_the_best_output() -> None:
    text = told([a_pass(1, 3), a_pass(2, 1), a_pass(3, 2)], LOSS, 10_000)

    assert "it must be at most 0.1" in text
    assert "- pass 2: loss 1 (the best)" in text
    assert "The last verdict: continue. reason 3" in text
    assert "## The best output so far (pass 2)\n\noutput 2" in text
    assert "## The last output (pass 3)\n\noutput 3" in text


def test_what_is_told_keeps_to_its_room() -> None:
    text = told([a_pass(1, 1, "word " * 10_000), a_pass(2, 2, "word " * 10_000)], LOSS, 4000)

    assert len(text) < 4500
    assert "cut for length" in text
