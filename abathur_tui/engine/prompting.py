"""A task's prompt for its agent: the results that it depends on, at their places or after it, fitted to what the runtime takes."""

from abathur_tui.domain.conversation import Limits
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.leases import Input, Work
from abathur_tui.domain.status import Status
from abathur_tui.library import prompts

_CHARACTERS_PER_TOKEN = 3
"""On the careful side: English text has four and more, code and other languages fewer."""
_LEAST_CHARACTERS = 1000


def room_for_prompt(limits: Limits, system: str) -> int:
    """How many characters a prompt may have beside the system prompt, with room left for the answer."""
    tokens = limits.context_tokens - limits.output_tokens
    return max(tokens * _CHARACTERS_PER_TOKEN - len(system), _LEAST_CHARACTERS)


def prompt_of(work: Work, max_characters: int, *, instances: bool = True) -> str:
    """The rendered prompt. `instances` False: it does not say which of several it is. Raises PromptFailed."""
    inputs = {one.task: prompts.Input(one.heading, _text(one), one.distance, _missing(one)) for one in work.inputs}
    in_place = set(work.references.values())
    return prompts.render(
        work.prompt,
        work.parameters,
        [one for task, one in inputs.items() if task not in in_place],
        placed={pointer: inputs[task] for pointer, task in work.references.items()},
        instance=work.task.instance if instances else 1,
        instances=work.task.instances if instances else 1,
        max_characters=max_characters,
    )


def _text(one: Input) -> str:
    """What it gave; a result that did not do is none."""
    return (one.result or "") if one.status is Status.COMPLETED else ""


def plain_prompt(template: str, parameters: JsonObject, instance: int, instances: int) -> str:
    """The same for a task that depends on nothing: there is nothing to fit. Raises PromptFailed."""
    return prompts.render(template, parameters, instance=instance, instances=instances)


def _missing(one: Input) -> str:
    if one.status is Status.COMPLETED and one.result is not None:
        return ""
    return f"it is {one.status}" + (f": {one.error.message}" if one.error else "")
