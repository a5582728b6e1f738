"""Budgets of loops: no turn begins inside a loop whose budget is spent, nor one of a sub-agent whose share of it is."""

from collections.abc import Awaitable, Callable

from abathur_tui.domain.errors import BudgetReached, PriceUnknown
from abathur_tui.domain.ids import TaskId, task_text
from abathur_tui.domain.tasks import Task
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import views
from abathur_tui.storage.views import Ceiling


async def allowance(shop: Workshop, task: Task) -> Callable[[], Awaitable[None]] | None:
    """What an agent at the task has to ask before each turn; None where no ceiling holds for it.

    What it gives raises BudgetReached where what all have spent together has reached a ceiling, and PriceUnknown where that cannot be said.
    """
    if task.parent is None:
        return None
    ceilings = await shop.database.read(views.ceilings, task.id)
    if not ceilings:
        return None

    async def allow() -> None:
        left = [await _left(shop, ceiling) for ceiling in ceilings]
        await _allow_share(shop, task, min(left))

    return allow


async def _allow_share(shop: Workshop, task: Task, left_usd: float) -> None:
    for share in await shop.database.read(views.shares, task.id):
        part = share.usd(left_usd)
        left_usd = part - share.own_usd
        if left_usd <= 0:
            name = task_text(TaskId(share.task))
            raise BudgetReached(
                f"The share of {name} in its agent's budget is spent: ${share.own_usd:.4g}, of which {share.asked + 1} have equal parts.",
                hint="Its agent goes on with what is left; ask for fewer at once, or raise the budget.",
            )


async def _left(shop: Workshop, ceiling: Ceiling) -> float:
    """What of a budget is not spent."""
    spent = await shop.database.read(views.spent, ceiling.loop)
    name = task_text(TaskId(ceiling.loop))
    if spent.unknown:
        raise PriceUnknown(f"The budget of {name} (${ceiling.budget_usd:.4g}) cannot be held: what {spent.unknown} of its turns cost is not known.")
    if spent.cost_usd >= ceiling.budget_usd:
        raise BudgetReached(f"The budget of {name} (${ceiling.budget_usd:.4g}) is spent: ${spent.cost_usd:.4g}.")
    return ceiling.budget_usd - spent.cost_usd
