"""What answers an agent's turn: the Messages API, the embedded model, or a program; and which of them it is."""

from collections.abc import Mapping
from typing import assert_never

from abathur_tui.domain.conversation import Runtime
from abathur_tui.domain.errors import AccountRefused
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.processes import Children
from abathur_tui.runtimes.choice import EMBEDDED_MODEL, KEY_MISSING_HINT, choose, keys_in, local_missing, moved_to, with_keys
from abathur_tui.runtimes.command import CommandRuntime
from abathur_tui.runtimes.prices import has_price

__all__ = ["EMBEDDED_MODEL", "choose", "has_price", "keys_in", "local_missing", "moved_to", "open_runtime"]


def open_runtime(choice: RuntimeChoice, keys: Mapping[str, str], children: Children) -> Runtime:
    """The runtime of a choice; `keys` by fingerprint. Call it in a thread: for two of them it imports for up to some seconds.

    Raises AccountRefused where the key that the choice names is not among `keys`.
    """
    # The SDK takes 0.7 to 2.4 s and 85 MB to import, so it is loaded for the first turn that needs it, not with the engine.
    match choice.runtime:
        case RuntimeName.ANTHROPIC:
            wanted = choice.key_fingerprint or ""
            if wanted not in keys:
                raise AccountRefused(
                    "This execution's ANTHROPIC_API_KEY is not here: keys are never written, and the engine was started without it.",
                    hint=KEY_MISSING_HINT,
                )
            from abathur_tui.runtimes.anthropic import AnthropicRuntime

            return AnthropicRuntime(keys[wanted], base_url=choice.base_url, model=choice.model)
        case RuntimeName.LOCAL:
            from abathur_tui.runtimes.local import LocalRuntime

            return LocalRuntime(children)
        case RuntimeName.COMMAND:
            return CommandRuntime(with_keys(choice, keys), children)
        case _:
            assert_never(choice.runtime)
