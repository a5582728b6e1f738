"""What is known of the models by their names: sizes, and the short names that agent definitions use."""

from dataclasses import dataclass

DEFAULT_MODEL = "claude-sonnet-5-5"

_SHORT_NAMES = {
    "sonnet": "claude-sonnet-5-5",
    "opus": "claude-opus-5-5",
    "haiku": "claude-haiku-5-5",
}
"""The names that Claude Code's agent files use."""

ANSWER_TOKENS = 32_000
"""What an answer may take where nobody asks for more: thinking counts as output."""


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What a model takes at most, in tokens."""

    context: int
    output: int


_SIZES: tuple[tuple[str, ModelSize], ...] = (
    ("claude-fable-5", ModelSize(1_000_000, 128_000)),
    ("claude-mythos-5", ModelSize(1_000_000, 128_000)),
    ("claude-opus-5", ModelSize(1_000_000, 128_000)),
    ("claude-sonnet-5", ModelSize(1_000_000, 128_000)),
    ("claude-haiku-5", ModelSize(1_000_000, 128_000)),
    ("claude-opus-4-8", ModelSize(1_000_000, 128_000)),
    ("claude-opus-4-7", ModelSize(1_000_000, 128_000)),
    ("claude-opus-4-6", ModelSize(1_000_000, 128_000)),
    ("claude-sonnet-4-6", ModelSize(1_000_000, 64_000)),
    ("claude-", ModelSize(200_000, 32_000)),
)
_UNKNOWN = ModelSize(200_000, 8_192)
"""A server of the user's own: cautious, as the server refuses what is too much."""


def full_name(model: str | None, default: str = DEFAULT_MODEL) -> str:
    """The API's name of a model that is given by its short name; `default` where none is named, or `inherit`."""
    if model is None or model.lower() in ("", "inherit", "default"):
        return default
    return _SHORT_NAMES.get(model.lower(), model)


def size_of(model: str) -> ModelSize:
    """What a model takes at most, by its name."""
    return next((size for prefix, size in _SIZES if model.startswith(prefix)), _UNKNOWN)
