"""A definition that was made for one run can be kept as a file."""

from tests.cli.program import Program


def test_an_agent_that_was_made_is_kept_and_counts_from_then_on(project: Program) -> None:
    assert project("run", 'ABYSSAL[AGENT]("dragon tamer")').code == 0
    (agent,) = project.ask("agent", "list", "--all")

    kept = project.ask("agent", "keep", agent["id"])

    file = project.folder / ".claude/agents/dragon-tamer.md"
    assert kept == {"name": "dragon-tamer", "file": str(file)}
    assert "dragon tamer" in file.read_text()
    assert project.inside("agent", "keep", agent["id"]).code == 0
    assert project.ask("plan", 'ABYSSAL[RESEARCH]("x", agent="dragon_tamer")')["nodes"][0]["agent"] == "dragon-tamer"

    file.write_text("something else")
    assert project.inside("agent", "keep", agent["id"]).code == 2
    assert file.read_text() == "something else"


def test_one_that_ships_needs_no_file(project: Program) -> None:
    assert project("run", 'ABYSSAL[RESEARCH]("x")').code == 0
    (agent,) = project.ask("agent", "list", "--all")

    done = project.inside("agent", "keep", agent["id"])

    assert (done.code, "no definition was made" in done.err) == (3, True)
