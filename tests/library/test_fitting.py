"""Results are cut to what there is room for: the nearest keep most, at sensible places, and it is said."""

from hypothesis import given, settings
from hypothesis import strategies as st

from abathur_tui.library.fitting import Input, cut, fitted

NOTE = len("[cut for length: 1000000 of 1000000 characters left out]") + 10


def test_what_fits_stays_as_it_is() -> None:
    assert fitted([Input("a", "x" * 600), Input("b", "y" * 400)], 1000) == ("x" * 600, "y" * 400)


def test_small_results_stay_whole_and_large_ones_share_the_rest() -> None:
    small, one, other = fitted([Input("s", "s" * 100), Input("a", "z" * 9000), Input("b", "y" * 9000)], 2100)

    assert small == "s" * 100
    assert one.count("z") == other.count("y") == 1000


def test_a_nearer_result_keeps_twice_as_much_as_one_a_step_further() -> None:
    near, far = fitted([Input("near", "n " * 5000), Input("far", "f " * 5000, distance=2)], 3000)

    assert near.count("n ") > 1.9 * far.count("f ")


def test_a_text_is_cut_after_a_paragraph_and_says_how_much_is_gone() -> None:
    text = "First paragraph. " * 30 + "\n\n" + "Second paragraph. " * 30

    kept = cut(text, 700)

    assert kept.startswith("First paragraph.")
    assert "Second" not in kept
    length = len(("First paragraph. " * 30).rstrip())
    assert kept.endswith(f"[cut for length: {len(text) - length} of {len(text)} characters left out]")


def test_a_cut_inside_code_closes_the_fence() -> None:
    kept = cut("Text\n\n```python\n" + "print(1)\n" * 200 + "```\n", 500)

    assert kept.count("```") == 2
    assert "print(1)\n```\n" in kept


def test_what_would_keep_next_to_nothing_is_left_out_whole() -> None:
    assert cut("x" * 900, 50) == "[left out for length: 900 characters]"


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=3000), st.integers(1, 4)), max_size=6), st.integers(-10, 6000))
def test_the_whole_is_never_longer_than_the_room_but_for_the_notes(texts: list[tuple[str, int]], room: int) -> None:
    inputs = [Input(str(number), text, distance) for number, (text, distance) in enumerate(texts)]

    result = fitted(inputs, room)

    assert len(result) == len(inputs)
    assert sum(map(len, result)) <= max(room, 0) + NOTE * len(inputs)
    assert all(kept == text or "left out" in kept for kept, (text, _) in zip(result, texts, strict=True))
