"""Several instances of one step, and the join of them that stands in its place."""

from collections.abc import Sequence

from abathur_tui.domain.plan import JoinStrategy
from abathur_tui.language.drafts import Draft
from abathur_tui.language.joining import HOW_TO_VOTE


def join_instances(join: Draft, instances: Sequence[Draft]) -> None:
    """Make them the join's members; those of a vote are told how to vote."""
    join.steps = list(instances)
    for one in instances:
        join.adopt(one)
        join.settles[one] = None
        if join.strategy is JoinStrategy.VOTE:
            one.prompt = f"{one.prompt}\n\n{HOW_TO_VOTE}"
