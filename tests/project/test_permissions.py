"""What a plan will use of the machine is told before anything of it runs."""

from pathlib import Path

from abathur_tui.domain.permissions import Permissions
from abathur_tui.domain.templates import Nested
from abathur_tui.project.permissions import permissions_of
from abathur_tui.project.workbench import Workbench
from abathur_tui.settings import load
from tests.language.planned import planned
from tests.language.registry import SmallRegistry, template

TOOLS = ("read_file", "list_folder", "grep")


def permissions(folder: Path, text: str) -> Permissions:
    bench = Workbench(None, load(folder, environ={}, flags={}), environ={"USER": "me"})
    return permissions_of(bench.plan(text), bench.registry, TOOLS)


def test_the_tools_are_those_of_its_agents_and_of_whoever_judges(tmp_path: Path) -> None:
    found = permissions(tmp_path, 'ABYSSAL[RESEARCH]("x", parallel=2)')

    assert set(found.tools) == {"researcher", "judge"}
    assert set(found.tools["researcher"]) <= set(TOOLS)
    assert "judge" in permissions(tmp_path, 'ABYSSAL[RESEARCH]("x", confidence=true)').tools
    assert "orchestrator" in permissions(tmp_path, 'ABYSSAL[RESEARCH]("x", parallel=2, join="synthesize")').tools


def test_an_agent_that_is_made_has_the_tools_of_its_file(tmp_path: Path) -> None:
    assert permissions(tmp_path, 'ABYSSAL[AGENT]("dragon tamer")').tools == {"dragon-tamer": TOOLS}


def test_commands_and_reads_are_listed(tmp_path: Path) -> None:
    text = """
    a = ABYSSAL[TEST]("x", success_criteria=["$ make check"], by=env("USER"), again=[env( 'USER' )])
    ABYSSAL[OPTIMIZE](a, metric="ms", target=1, direction="minimize", measure="./bench.sh")
    ABYSSAL[RESEARCH]("y", parallel=2, join={command: "jq -s ."})
    """
    found = permissions(tmp_path, text)

    assert [(one.command, one.purpose) for one in found.commands] == [
        ("make check", "success criterion"),
        ("./bench.sh", "criterion"),
        ("jq -s .", "join"),
    ]
    assert found.reads == ('env("USER")',)
    assert found.data()["commands"] == [{"node": one.node, "command": one.command, "for": one.purpose} for one in found.commands]


def test_what_a_fallback_would_use_is_told_too() -> None:
    loop = Nested("loop", "ASK", parameters={"about": "x", "criterion": "n>=1: ./measure"}, loop=True)
    registry = SmallRegistry(template("RISKY", fallback="CAREFUL"), template("CAREFUL", agent="tester", nested=(loop,)))

    found = permissions_of(planned('ABYSSAL[RISKY]("x")', registry), registry, TOOLS)

    assert set(found.tools) == {"worker", "tester"}
    assert [(one.node, one.command) for one in found.commands] == [("n1.2", "./measure")]


def test_a_plain_prompt_uses_what_the_generalist_may(tmp_path: Path) -> None:
    found = permissions(tmp_path, "hello")

    assert (list(found.tools), found.commands, found.reads) == (["generalist"], (), ())
