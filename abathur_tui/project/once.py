"""Keys of submissions: what they may look like, and what of a submission must be the same when it is asked for again."""

import json
from typing import TYPE_CHECKING

from abathur_tui.domain.data import JsonValue, content_hash
from abathur_tui.domain.errors import ArgumentInvalid
from abathur_tui.domain.execution import Key, Submitted
from abathur_tui.project.wish import Wish
from abathur_tui.storage import queue

if TYPE_CHECKING:
    from abathur_tui.project.project import Project

MOST_CHARACTERS = 200


def key_of(wish: Wish, **asked: JsonValue) -> Key | None:
    """The wish's key with all that was asked for; None where it has none. Raises ArgumentInvalid.

    What was asked, not what comes of it: files that the text reads and templates may have changed since, not least by the work itself. A time
    from now (`--in`) is another moment each time, so only that there is one counts.
    """
    if wish.key is None:
        return None
    if not wish.key or len(wish.key) > MOST_CHARACTERS or not wish.key.isprintable():
        raise ArgumentInvalid(f"A key takes 1 to {MOST_CHARACTERS} printable characters, not {wish.key[:MOST_CHARACTERS]!r}.")
    wished: dict[str, JsonValue] = {
        "runtime": wish.runtime,
        "model": wish.model,
        "after": list[JsonValue](wish.after),
        "ignore_dependency_failure": wish.ignore_dependency_failure,
        "later": wish.not_before if wish.on_the_clock else wish.not_before is not None,
        "common": wish.common,
    }
    # What is no JSON is refused by whoever plans it, with its place.
    return Key(wish.key, content_hash(json.dumps([asked, wished], sort_keys=True, default=repr)))


async def submitted_with(project: "Project", key: Key | None) -> list[Submitted]:
    """What was submitted with a key before; nothing without one. Raises KeyTaken where that was something else."""
    return [] if key is None else await project.read(queue.submitted_with, key)
