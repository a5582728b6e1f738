"""The tools with which agents report: how far they are and, in a pass of a loop, a metric."""

from abathur_tui.domain.conversation import ToolDefinition, ToolOutcome
from abathur_tui.domain.criteria import figure
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.leases import Claim
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal, queue

NAME = "report_metric"
PROGRESS = "report_progress"
_LONGEST_NAME = 100


class ReportProgress:
    """Shows how far the agent is, in lists and on the screen."""

    def __init__(self, shop: Workshop, claim: Claim) -> None:
        """With the claim's task."""
        self._shop = shop
        self._claim = claim

    @property
    def definition(self) -> ToolDefinition:
        """A share, and what it is at."""
        return ToolDefinition(
            PROGRESS,
            "Say how far long work is.",
            {
                "type": "object",
                "properties": {"progress": {"type": "number", "description": "0 to 1"}, "phase": {"type": "string"}},
                "required": ["progress"],
            },
        )

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Keep it."""
        progress, phase = arguments.get("progress"), arguments.get("phase", "")
        if isinstance(progress, bool) or not isinstance(progress, int | float) or not 0 <= progress <= 1:
            return ToolOutcome("The argument progress must be a number from 0 to 1.", is_error=True, summary="no number")
        if not isinstance(phase, str):
            return ToolOutcome("The argument phase must be a text.", is_error=True, summary="no text")
        share, named = float(progress), " ".join(phase.split())[:_LONGEST_NAME]
        await self._shop.database.write(lambda c: queue.report_progress(c, self._claim.lease, share, self._shop.clock.now(), phase=named))
        return ToolOutcome("Noted.", summary=f"{share:.0%} {named}".rstrip())


class ReportMetric:
    """Keeps what the agent measured with its pass; of several values of one metric the last one counts."""

    def __init__(self, shop: Workshop, claim: Claim, number: int) -> None:
        """`claim` is the pass's, `number` which pass it is."""
        self._shop = shop
        self._claim = claim
        self._number = number

    @property
    def definition(self) -> ToolDefinition:
        """A name and a number."""
        return ToolDefinition(
            NAME,
            "Report a figure that you have measured, such as latency_ms, for the loop that this pass belongs to. Never report a guess.",
            {
                "type": "object",
                "properties": {"name": {"type": "string", "description": "The metric's name"}, "value": {"type": "number"}},
                "required": ["name", "value"],
            },
        )

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Keep it."""
        name, value = arguments.get("name"), figure(arguments.get("value"))
        if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
            return ToolOutcome("The argument name must be a short text.", is_error=True, summary="no name")
        if value is None:
            return ToolOutcome("The argument value must be a finite number.", is_error=True, summary=f"{name}: no number")
        kept = name.strip(), value
        await self._shop.database.write(lambda c: journal.metric(c, self._claim.lease, self._number, *kept, self._shop.clock.now()))
        return ToolOutcome(f"{name} = {value:g} is kept.", summary=f"{name} = {value:g}")
