"""The tools with which agents of one execution share values."""

import json

from abathur_tui.domain.conversation import ToolDefinition, ToolOutcome
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import ArgumentInvalid, StateChanged
from abathur_tui.domain.leases import Claim
from abathur_tui.domain.sharing import Entry
from abathur_tui.engine.workshop import Workshop
from abathur_tui.storage import sharing
from abathur_tui.storage.sharing import LONGEST_KEY

READ = "read_state"
WRITE = "write_state"
_SHOWN_CHARACTERS = 20_000


class ReadState:
    """Shows what stands under a key, or which keys there are."""

    def __init__(self, shop: Workshop, claim: Claim) -> None:
        """Of the claim's execution."""
        self._shop = shop
        self._claim = claim

    @property
    def definition(self) -> ToolDefinition:
        """A key, or none."""
        return ToolDefinition(
            READ,
            "Read a value that the agents of this work share, with its version; without a key, list the keys.",
            {"type": "object", "properties": {"key": {"type": "string"}}},
        )

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Look."""
        key = arguments.get("key")
        if key is None:
            found = await self._shop.database.read(sharing.entries, self._claim.execution)
            lines = [f"{one.key} (version {one.version}, by {one.written_by})" for one in found]
            return ToolOutcome("\n".join(lines) or "Nothing is shared yet.", summary=f"{len(lines)} keys")
        if not isinstance(key, str):
            return ToolOutcome("The argument key must be a text.", is_error=True, summary="no key")
        entry: Entry | None = await self._shop.database.read(sharing.entry, self._claim.execution, key)
        if entry is None:
            return ToolOutcome(f"Nothing stands under {key!r}: write it with version 0.", summary=f"{key}: nothing")
        value = json.dumps(entry.value, ensure_ascii=False)
        shown = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}… (cut)"
        return ToolOutcome(f"version {entry.version}, by {entry.written_by}:\n{shown}", summary=f"{key}, version {entry.version}")


class WriteState:
    """Puts a value under a key, against the version that was read."""

    def __init__(self, shop: Workshop, claim: Claim) -> None:
        """Of the claim's execution."""
        self._shop = shop
        self._claim = claim

    @property
    def definition(self) -> ToolDefinition:
        """Key, value and version."""
        return ToolDefinition(
            WRITE,
            "Share a value with the agents of this work. `version` is the one that you have read, 0 for a new key; an older one is refused.",
            {
                "type": "object",
                "properties": {"key": {"type": "string"}, "value": {}, "version": {"type": "integer"}},
                "required": ["key", "value", "version"],
            },
        )

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Write it, or say why not."""
        key, version = arguments.get("key"), arguments.get("version")
        if not isinstance(key, str) or not key.strip() or len(key) > LONGEST_KEY:
            return ToolOutcome("The argument key must be a short text.", is_error=True, summary="no key")
        if isinstance(version, bool) or not isinstance(version, int) or version < 0 or "value" not in arguments:
            return ToolOutcome("The arguments value and version (0 or more) must be given.", is_error=True, summary=f"{key}: no version")
        named, value = key.strip(), arguments["value"]
        try:
            entry = await self._shop.database.write(lambda c: sharing.write(c, self._claim.lease, named, value, version, self._shop.clock.now()))
        except (StateChanged, ArgumentInvalid) as error:
            return ToolOutcome(error.message, is_error=True, summary=f"{named}: refused")
        return ToolOutcome(f"{named!r} has version {entry.version} now.", summary=f"{named}, version {entry.version}")
