"""Results are foreign texts: whatever is in them, they are looked through in a time that grows with their length."""

import time

import pytest

from abathur_tui.engine.joins.file_blocks import files_in, without_files
from abathur_tui.engine.joins.json_text import object_in
from abathur_tui.engine.joins.voting import answers, normal
from tests.engine.joins.team import done

SIZE = 300_000
SECONDS = 3.0
HOSTILE = [
    "\n" * SIZE,
    " " * SIZE + "x",
    "````json\n" * (SIZE // 9),
    "```json\n" * (SIZE // 8),
    "a.py\n```\n" * (SIZE // 9),
    '{"a": ' * (SIZE // 6),
    "{" * SIZE,
    '{"a": "' + "{" * SIZE,
    "*" * SIZE + "a",
    "a" + "*_`" * (SIZE // 3) + "b",
    "vote" + " " * SIZE,
    "my the final " * (SIZE // 13),
    "> # - " * (SIZE // 6),
    "(" * SIZE + "\n```\nx\n```",
    " ( " * (SIZE // 3) + "\n```\nx\n```",
    "`" * SIZE + "\n```\nx\n```",
    "\u2028" * SIZE,
    "\0" * SIZE,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_takes_longer_than_its_length(text: str) -> None:
    begun = time.process_time()

    object_in(text)
    files_in(text)
    without_files(text)
    answers([done(1, text), done(2, text + "x")])
    normal(text)

    assert time.process_time() - begun < SECONDS
