"""A task's prompt for its agent: the results that it depends on, at their places or after it, fitted to what the runtime takes."""

from abathur_tui.domain.conversation import Limits
from abathur_tui.domain.data import JsonValue, with_values
from abathur_tui.domain.leases import Input, Work
from abathur_tui.library import prompts
from abathur_tui.library.fitting import cut

_CHARACTERS_PER_TOKEN = 3
"""On the careful side: English text has four and more, code and other languages fewer."""
_LEAST_CHARACTERS = 1000


def room_for_prompt(limits: Limits, system: str) -> int:
    """How many characters a prompt may have beside the system prompt, with room left for the answer."""
    tokens = limits.context_tokens - limits.output_tokens
    return max(tokens * _CHARACTERS_PER_TOKEN - len(system), _LEAST_CHARACTERS)


def prompt_of(work: Work, max_characters: int, *, instances: bool = True) -> str:
    """The rendered prompt. `instances` False: it does not say which of several it is. Raises PromptFailed."""
    share = max_characters // max(len(work.references), 1)
    inputs = {one.task: one for one in work.inputs}
    values: dict[str, JsonValue] = {pointer: cut(_text(inputs[task]), share) for pointer, task in work.references.items()}
    placed = set(work.references.values())
    results = [prompts.Input(one.name, one.result or "", missing=_missing(one)) for one in work.inputs if one.task not in placed]
    return prompts.render(
        work.prompt,
        with_values(work.parameters, values),
        results,
        instance=work.task.instance if instances else 1,
        instances=work.task.instances if instances else 1,
        max_characters=max_characters,
    )


def _text(one: Input) -> str:
    return f"[no result of {one.name}: {_missing(one)}]" if one.result is None else one.result


def _missing(one: Input) -> str:
    if one.result is not None:
        return ""
    return f"it is {one.status}" + (f": {one.error.message}" if one.error else "")
