"""A project that stays open, as a screen's does, goes by the settings as they are now."""

from pathlib import Path

import pytest

from abathur_tui.domain.errors import ConfigInvalid, QueueFull, UnknownTemplate
from abathur_tui.project import Project
from abathur_tui.project.wish import Wish
from abathur_tui.storage import Database

ENVIRONMENT = {"ABATHUR_API__RUNTIME": "command", "ABATHUR_RUNTIMES__COMMAND__ARGV": '["cat"]', "PATH": "/usr/bin:/bin"}
GREET = """name = "GREET"
prompt = "Greet {{ who }}."

[parameters.who]
type = "string"
required = true
"""


async def test_a_saved_file_counts_for_the_next_submit_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    with Project.open(tmp_path, create=True, environ=ENVIRONMENT) as project:
        await project.submit("one")
        config = tmp_path / ".abathur" / "config.toml"
        config.write_text("[queue]\nmax_size = 1\n")
        with pytest.raises(QueueFull):
            await project.submit("two")
        config.write_text("[queue]\nmax_sise = 5\n")
        assert project.loaded.settings.queue.max_size == 1
        config.write_text("[queue]\nmax_size = 2\n")
        await project.submit("two")


async def test_a_folder_of_templates_that_is_added_counts_at_once(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "greet.toml").write_text(GREET)
    with Project.open(tmp_path, create=True, environ=ENVIRONMENT) as project:
        with pytest.raises(UnknownTemplate):
            project.workbench.plan('ABYSSAL[GREET]("you")')
        (tmp_path / ".abathur" / "config.toml").write_text('[templates]\nfolders = ["more"]\n')
        assert project.workbench.plan('ABYSSAL[GREET]("you")').nodes[0].template == "GREET"


def test_settings_that_were_broken_from_the_start_are_an_error(tmp_path: Path) -> None:
    with Project.open(tmp_path, create=True, environ=ENVIRONMENT) as project:
        (tmp_path / ".abathur" / "config.toml").write_text("[queue]\nmax_sise = 5\n")
        with pytest.raises(ConfigInvalid):
            assert project.loaded


async def test_tasks_wait_in_the_lane_of_the_model_that_their_agents_definition_names(tmp_path: Path) -> None:
    agents = tmp_path / ".claude" / "agents"
    agents.mkdir(parents=True)
    (agents / "expert.md").write_text("---\nname: expert\ndescription: Knows.\nmodel: opus\n---\n\nYou know.\n")
    (agents / "heir.md").write_text("---\nname: heir\ndescription: Asks.\nmodel: inherit\n---\n\nYou ask.\n")
    environ = {"ANTHROPIC_API_KEY": "sk-none", "PATH": "/usr/bin:/bin"}
    document = 'ABYSSAL[CODE]("one", agent="{}")'
    with Project.open(tmp_path, create=True, environ=environ) as project:
        for agent in ("expert", "heir"):
            await project.submit(document.format(agent))
        await project.submit(document.format("expert"), Wish(model="haiku"))

    database = Database.open(tmp_path / ".abathur")
    lanes = database.read_now(lambda c: c.execute("SELECT lane FROM tasks WHERE agent IN ('expert', 'heir') ORDER BY id").fetchall())
    database.close()
    assert [lane for (lane,) in lanes] == ["anthropic:claude-opus-5-5", "anthropic:default", "anthropic:claude-haiku-5-5"]
