"""What a turn costs."""

from typing import get_args

import pytest
from anthropic.types.model import Model

from abathur_tui.domain.conversation import Usage
from abathur_tui.runtimes.anthropic import DEPRECATED_MODELS
from abathur_tui.runtimes.models import DEFAULT_MODEL, full_name
from abathur_tui.runtimes.prices import cost_of, price_of

MILLION = 1_000_000
KNOWN_TO_SDK: tuple[str, ...] = get_args(get_args(Model)[0])


@pytest.mark.parametrize(
    ("model", "usage", "cost"),
    [
        ("claude-sonnet-5-5", Usage(input=MILLION, output=MILLION), 12.0),
        ("claude-sonnet-5-5", Usage(input=MILLION, cache_read=MILLION), 0.10),
        ("claude-sonnet-5-5-20260928", Usage(input=MILLION, cache_write=MILLION), 2.50),
        ("claude-opus-4-8", Usage(input=3, output=1, cache_read=1, cache_write=1), (5 + 25 + 0.5 + 6.25) / MILLION),
        ("claude-haiku-5-5", Usage(input=100_000, output=100_000), 0.06),
        ("claude-haiku-5-5", Usage(input=100_001), 0.50 * 100_001 / MILLION),
        ("claude-opus-5-5", Usage(), 0.0),
        ("claude-fable-5-2", Usage(input=1), None),
        ("claude-opus-9", Usage(input=1), None),
        ("smollm2-135m-instruct", Usage(input=1), None),
        ("", Usage(input=1), None),
    ],
)
def test_a_cost_is_by_the_table_or_unknown(model: str, usage: Usage, cost: float | None) -> None:
    assert cost_of(model, usage) == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize("name", [None, "sonnet", "opus", "haiku", "Opus"])
def test_short_names_are_models_that_the_sdk_knows_and_that_have_a_price(name: str | None) -> None:
    model = full_name(name)

    assert model in KNOWN_TO_SDK
    assert model not in DEPRECATED_MODELS
    assert price_of(model, 0) is not None


def test_the_default_model_is_current() -> None:
    assert DEFAULT_MODEL in KNOWN_TO_SDK
