"""The tools with which agents of one execution share values."""

import json

from abathur_tui.domain.conversation import ToolDefinition, ToolOutcome
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import ArgumentInvalid, StateChanged
from abathur_tui.domain.leases import Claim
from abathur_tui.domain.sharing import Entry
from abathur_tui.engine.task_tool import Refused, TaskTool, text_in
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import sharing
from abathur_tui.storage.sharing import LONGEST_KEY

_SHOWN_CHARACTERS = 20_000
READ = ToolDefinition(
    "read_state",
    "Read a value that the agents of this work share, with its version; without a key, list the keys.",
    {"type": "object", "properties": {"key": {"type": "string"}}},
)
WRITE = ToolDefinition(
    "write_state",
    "Share a value with the agents of this work. `version` is the one that you have read, 0 for a new key; an older one is refused.",
    {
        "type": "object",
        "properties": {"key": {"type": "string"}, "value": {}, "version": {"type": "integer"}},
        "required": ["key", "value", "version"],
    },
)


def read_state(shop: Workshop, claim: Claim) -> TaskTool:
    """Shows what stands under a key, or which keys there are."""

    async def call(arguments: JsonObject) -> ToolOutcome:
        if arguments.get("key") is None:
            found = await shop.database.read(sharing.entries, claim.execution)
            lines = [f"{one.key} (version {one.version}, by {one.written_by})" for one in found]
            return ToolOutcome("\n".join(lines) or "Nothing is shared yet.", summary=f"{len(lines)} keys")
        key = text_in(arguments, "key")
        entry: Entry | None = await shop.database.read(sharing.entry, claim.execution, key)
        if entry is None:
            return ToolOutcome(f"Nothing stands under {key!r}: write it with version 0.", summary=f"{key}: nothing")
        value = json.dumps(entry.value, ensure_ascii=False)
        shown = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}… (cut)"
        return ToolOutcome(f"version {entry.version}, by {entry.written_by}:\n{shown}", summary=f"{key}, version {entry.version}")

    return TaskTool(READ, call)


def write_state(shop: Workshop, claim: Claim) -> TaskTool:
    """Puts a value under a key, against the version that was read."""

    async def call(arguments: JsonObject) -> ToolOutcome:
        key, version = text_in(arguments, "key", longest=LONGEST_KEY), arguments.get("version")
        if isinstance(version, bool) or not isinstance(version, int) or version < 0 or "value" not in arguments:
            raise Refused("The arguments value and version (0 or more) must be given.")
        value = arguments["value"]
        try:
            entry = await shop.database.write(lambda c: sharing.write(c, claim.lease, key, value, version, shop.clock.now()))
        except (StateChanged, ArgumentInvalid) as error:
            raise Refused(error.message) from error
        return ToolOutcome(f"{key!r} has version {entry.version} now.", summary=f"{key}, version {entry.version}")

    return TaskTool(WRITE, call)
