"""The language's page is true: every example on it can be planned, and everything that there is stands on it."""

import re
import subprocess
from pathlib import Path

import pytest

from abathur_tui.language import PlanContext, format, plan
from abathur_tui.language.options import OPTION_NAMES
from abathur_tui.library import FileRegistry
from tests.language.planned import is_tree, wrong

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text("utf-8")
EXAMPLES = re.findall(r"```abyssal\n(.*?)```", PAGE, re.DOTALL)
REGISTRY = FileRegistry(None, home=Path("/nonexistent"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has what the examples name."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "limiter.py").write_text("LIMIT = 1\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    for message in ("one", "two"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", message], cwd=tmp_path, check=True)
    return tmp_path


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_can_be_planned_as_it_stands_and_formatted(text: str, project: Path) -> None:
    context = PlanContext(project, {"USER": "somebody"})

    made = plan(text, REGISTRY, context)

    assert is_tree(made)
    assert plan(format(text), REGISTRY, context).nodes == made.nodes


def test_every_common_parameter_is_on_the_page() -> None:
    assert [name for name in sorted(OPTION_NAMES) if f"`{name}`" not in PAGE] == []


def test_the_mistakes_on_the_page_are_those_that_are_told() -> None:
    (text, told) = re.search(r"`abathur plan` on\n\n```\n(.*?)```\n\nsays\n\n```\n(.*?)```", PAGE, re.DOTALL).groups()  # type: ignore[union-attr]

    for detail in wrong(text, REGISTRY):
        assert f"  {detail.line}:{detail.column}  {detail.message}\n" in told
        assert f"      {detail.suggestion}\n" in told
