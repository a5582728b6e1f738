"""What a measure may print."""

import json

import pytest

from abathur_tui.engine.measure import NotANumber, read_numbers


@pytest.mark.parametrize(("printed", "value"), [("3", 3.0), (" -2.5e3\n", -2500.0), ("+7", 7.0), ("007", 7.0), (".5", 0.5)])
def test_one_number_is_the_metrics(printed: str, value: float) -> None:
    assert read_numbers(printed, "loss") == {"loss": value}


def test_an_object_gives_its_numbers_and_passes_over_the_rest() -> None:
    printed = '{"loss": 0.5, "epochs": 3, "name": "x", "ok": true, "worst": NaN}'

    assert read_numbers(printed, "loss") == {"loss": 0.5, "epochs": 3.0}


@pytest.mark.parametrize(
    "printed",
    ["", "  \n", "good", "3 of 4", "1\n2", "NaN", "nan", "inf", "-Infinity", "1e301", "1" + "0" * 400, "true", "[1]", '"3"', "1_000", "٣", "0x10"],
)
def test_anything_else_is_no_number(printed: str) -> None:
    with pytest.raises(NotANumber):
        read_numbers(printed, "loss")


@pytest.mark.parametrize("printed", ["{}", '{"other": 1}', '{"loss": "1"}', '{"loss": null}', '{"loss": true}', '{"loss": NaN}', "{" * 100_000])
def test_an_object_without_the_metric_as_a_number_is_none(printed: str) -> None:
    with pytest.raises(NotANumber):
        read_numbers(printed, "loss")


def test_of_an_object_that_is_no_measures_answer_only_so_much_is_kept() -> None:
    numbers = {f"n{number}": number for number in range(1000)}

    kept = read_numbers(json.dumps({**numbers, "n" * 101: 1, "loss": 0.5}), "loss")

    assert len(kept) == 64
    assert kept["loss"] == 0.5


def test_the_reason_shows_what_was_printed_in_a_line() -> None:
    with pytest.raises(NotANumber, match="it printed no number: Traceback most recent"):
        read_numbers("Traceback\nmost recent", "loss")
