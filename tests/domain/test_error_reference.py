"""The page about the errors is made from their docstrings, and is current; codes are unique and have a title and a cause."""

import inspect
from collections import Counter
from pathlib import Path

from abathur_tui.domain import error_reference
from abathur_tui.domain.errors import AbathurError


def test_the_page_is_what_the_errors_say() -> None:
    written = Path(__file__).parents[2] / "docs" / "errors.md"

    assert written.read_text(encoding="utf-8") == error_reference.page(), "run: python -m abathur_tui.domain.error_reference > docs/errors.md"


def test_every_code_belongs_to_one_error() -> None:
    codes = Counter(kind.code for kind in error_reference.concrete(AbathurError))

    assert [code for code, count in codes.items() if count > 1] == []


def test_every_error_has_a_title_and_a_cause() -> None:
    for kind in error_reference.concrete(AbathurError):
        title, _, cause = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")
        assert title.endswith("."), kind
        assert cause, kind
