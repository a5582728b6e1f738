"""What a turn costs, by the models' published prices; a price that is not known is None, never 0."""

from dataclasses import dataclass

from abathur_tui.domain.conversation import Usage
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.runtimes.models import full_name

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float
    cache_write: float
    """For five minutes, which is what this runtime asks for."""
    cache_read: float


_BY_PREFIX: tuple[tuple[str, Price], ...] = (
    ("claude-fable-5-1", Price(10.00, 50.00, 12.50, 0.25)),
    ("claude-mythos-5-1", Price(10.00, 50.00, 12.50, 0.25)),
    ("claude-fable-5", Price(10.00, 50.00, 12.50, 1.00)),
    ("claude-mythos-5", Price(10.00, 50.00, 12.50, 1.00)),
    ("claude-opus-5-5", Price(4.00, 20.00, 5.00, 0.20)),
    ("claude-opus-5", Price(5.00, 25.00, 6.25, 0.50)),
    ("claude-opus-4-8", Price(5.00, 25.00, 6.25, 0.50)),
    ("claude-opus-4-7", Price(5.00, 25.00, 6.25, 0.50)),
    ("claude-opus-4-6", Price(5.00, 25.00, 6.25, 0.50)),
    ("claude-opus-4-5", Price(5.00, 25.00, 6.25, 0.50)),
    ("claude-sonnet-5-5", Price(2.00, 10.00, 2.50, 0.10)),
    ("claude-sonnet-5", Price(2.00, 10.00, 2.50, 0.20)),
    ("claude-sonnet-4", Price(3.00, 15.00, 3.75, 0.30)),
    ("claude-haiku-4-5", Price(1.00, 5.00, 1.25, 0.10)),
)
"""Published prices (platform.claude.com, about-claude/pricing). The first prefix that fits; a longer one stands before a shorter one.

Models whose price this table is not sure of are left out: the 5.2 generation; and Haiku 5.5, whose price depends on the prompt's length, is below.
"""

_HAIKU_SHORT = Price(0.10, 0.50, 0.125, 0.01)
_HAIKU_LONG = Price(0.50, 2.50, 0.625, 0.05)
_HAIKU_SHORT_TOKENS = 100_000


def price_of(model: str, input_tokens: int) -> Price | None:
    """The price of a model for a prompt of that length; None where it is not known."""
    if model.startswith(("claude-fable-5-2", "claude-mythos-5-2")):
        return None
    if model.startswith("claude-haiku-5-5"):
        return _HAIKU_SHORT if input_tokens <= _HAIKU_SHORT_TOKENS else _HAIKU_LONG
    return next((price for prefix, price in _BY_PREFIX if model.startswith(prefix)), None)


def has_price(choice: RuntimeChoice) -> bool:
    """Whether it is known what a turn costs, as far as that can be said before it: the embedded model costs nothing, a program nobody knows."""
    match choice.runtime:
        case RuntimeName.LOCAL:
            return True
        case RuntimeName.COMMAND:
            return False
        case RuntimeName.ANTHROPIC:
            return price_of(full_name(choice.model), 0) is not None


def cost_of(model: str, usage: Usage) -> float | None:
    """What a turn cost, in US dollars; None where the model's price is not known."""
    price = price_of(model, usage.input)
    if price is None:
        return None
    plain = max(0, usage.input - usage.cache_read - usage.cache_write)
    total = plain * price.input + usage.output * price.output + usage.cache_read * price.cache_read + usage.cache_write * price.cache_write
    return total / _MILLION
