"""The tools with which agents report: how far they are and, in a pass of a loop, a metric."""

from abathur_tui.domain.conversation import ToolDefinition, ToolOutcome
from abathur_tui.domain.criteria import figure
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.leases import Claim
from abathur_tui.engine.task_tool import Refused, TaskTool, number_in, text_in
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import journal, queue

_LONGEST_NAME = 100
PROGRESS = ToolDefinition(
    "report_progress",
    "Say how far long work is.",
    {
        "type": "object",
        "properties": {"progress": {"type": "number", "description": "0 to 1"}, "phase": {"type": "string"}},
        "required": ["progress"],
    },
)
METRIC = ToolDefinition(
    "report_metric",
    "Report a figure that you have measured, such as latency_ms, for the loop that this pass belongs to. Never report a guess.",
    {
        "type": "object",
        "properties": {"name": {"type": "string", "description": "The metric's name"}, "value": {"type": "number"}},
        "required": ["name", "value"],
    },
)


def report_progress(shop: Workshop, claim: Claim) -> TaskTool:
    """Shows how far the agent is, in lists and on the screen."""

    async def call(arguments: JsonObject) -> ToolOutcome:
        share = number_in(arguments, "progress", 0, 1)
        phase = " ".join(text_in(arguments, "phase", "").split())[:_LONGEST_NAME]
        await shop.database.write(lambda c: queue.report_progress(c, claim.lease, share, shop.clock.now(), phase=phase))
        return ToolOutcome("Noted.", summary=f"{share:.0%} {phase}".rstrip())

    return TaskTool(PROGRESS, call)


def report_metric(shop: Workshop, claim: Claim, number: int) -> TaskTool:
    """Keeps what the agent measured with its pass, the one of this `number`; of several values of one metric the last one counts."""

    async def call(arguments: JsonObject) -> ToolOutcome:
        name, value = text_in(arguments, "name", longest=_LONGEST_NAME), figure(arguments.get("value"))
        if value is None:
            raise Refused("The argument value must be a finite number.")
        await shop.database.write(lambda c: journal.metric(c, claim.lease, number, name, value, shop.clock.now()))
        return ToolOutcome(f"{name} = {value:g} is kept.", summary=f"{name} = {value:g}")

    return TaskTool(METRIC, call)
