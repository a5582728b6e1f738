"""The README's two commands are those that are checked."""

import re
from pathlib import Path

import pytest

from abathur_tui.project import Place
from abathur_tui.project.workbench import Workbench
from abathur_tui.settings import load

ROOT = Path(__file__).parents[2]


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [block.strip() for block in blocks[:2]]


def test_the_first_two_blocks_are_one_line_each() -> None:
    run, tests = commands()

    assert "\n" not in run
    assert "\n" not in tests


def test_ci_calls_exactly_the_second_command() -> None:
    _, tests = commands()

    assert tests in (ROOT / ".ci/run").read_text().splitlines()


@pytest.mark.parametrize("text", re.findall(r"'(ABYSSAL\[.*?)'", (ROOT / "README.md").read_text()))
def test_every_command_of_the_readme_can_be_planned(text: str, tmp_path: Path) -> None:
    assert Workbench(Place(tmp_path, tmp_path / ".abathur"), load(tmp_path, environ={}), environ={}).plan(text).nodes


def test_every_relative_link_leads_to_a_file() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\(([\w./-]+\.(?:md|svg|png))(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
