"""The program explains itself, quickly, and loads nothing that it does not need."""

import re
import subprocess
import sys
from typing import Any

import pytest

from abathur_tui.cli.app import root
from abathur_tui.cli.commands import ALL
from abathur_tui.cli.reference import all_commands
from tests.cli.program import Program

COMMANDS = dict(all_commands())
EVERYWHERE = {"--json", "--verbose", "--quiet", "--project", "--yes"}


def test_the_overview_names_every_command(program: Program) -> None:
    answer = program("--help")

    assert answer.code == 0
    for name, entry in ALL.items():
        assert re.search(rf"^  {name} ", answer.out, re.MULTILINE), name
        assert entry.help.split()[0] in answer.out


@pytest.mark.parametrize("name", ALL)
def test_the_overview_says_what_the_command_says_of_itself(name: str) -> None:
    command: Any = root().get_command(None, name)

    assert command.help.strip().splitlines()[0] == ALL[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples_of_itself(name: str) -> None:
    command = COMMANDS[name]

    assert command.help.strip()
    assert f"abathur {name}" in command.epilog
    for parameter in command.params:
        assert getattr(parameter, "hidden", False) or parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_names_commands_and_options_that_exist(name: str) -> None:
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "TEXT", COMMANDS[name].epilog)
    for words in re.findall(r"abathur ([^|>&<\n]+)", unquoted):
        called = next(command for command in COMMANDS if f"{words} ".startswith(f"{command} "))
        known = {option for parameter in COMMANDS[called].params for option in parameter.opts} | EVERYWHERE
        assert set(re.findall(r"(?<= )--?[a-z-]+", words)) <= known | {"-cost"}, words


@pytest.mark.parametrize("arguments", [["--version"], ["version"]])
def test_the_version_is_told(program: Program, arguments: list[str]) -> None:
    answer = program(*arguments)

    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(r"abathur \d+\.\d+\.\d+\n", answer.out)


def test_options_of_every_command_go_before_or_after_its_name(program: Program) -> None:
    assert program.inside("--json", "version").data["version"] == program.inside("version", "--json").data["version"]
    assert program.inside("--output", "json", "version").data == program.inside("version", "--output=json").data


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["task", "lst"], "Did you mean 'list'"),
        (["run"], "Missing argument"),
        (["task", "list", "--limit", "none"], "--limit"),
        (["version", "--bogus"], "--bogus"),
        (["task", "show", "12"], "is no id of a task"),
        (["watch", "t1"], "is no id of an execution"),
    ],
)
def test_wrong_use_is_told_and_exits_with_2(project: Program, arguments: list[str], part: str) -> None:
    for_people, for_programs = project.inside(*arguments), project.inside(*arguments, "--json")

    assert for_people.code == for_programs.code == 2
    assert for_people.out == for_programs.out == ""
    assert part in for_people.err
    assert part in for_programs.error["message"]
    assert for_programs.error["code"] == "ABTH-ERR-063"


@pytest.mark.parametrize("arguments", [["task"], ["engine"], ["template"]])
def test_a_group_alone_shows_its_help_as_wrong_use(program: Program, arguments: list[str]) -> None:
    answer = program.inside(*arguments)

    assert (answer.code, answer.out) == (2, "")
    assert "Commands:" in answer.err


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["status"], ["task", "list"], ["task", "--help"], ["audit"]])
def test_nothing_slow_is_loaded_without_need(project: Program, arguments: list[str]) -> None:
    code = (
        "import sys\nfrom abathur_tui.cli import entry\n"
        f"code = entry.run({arguments!r})\n"
        "loaded = {name.split('.')[0] for name in sys.modules} & {'textual', 'rich', 'anthropic', 'httpx2', 'lark', 'jinja2', 'pygments'}\n"
        "print(sorted(loaded), code, file=sys.stderr)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "[] 0"


@pytest.mark.parametrize(
    ("words", "place", "offered"),
    [("abathur ta", 1, {"task"}), ("abathur task re", 2, {"result", "retry", "resume", "reprioritize"}), ("abathur run --de", 2, {"--detach"})],
)
def test_the_shell_completes_commands_and_options(program: Program, words: str, place: int, offered: set[str]) -> None:
    answer = program(env={"_ABATHUR_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(place)})

    assert set(answer.out.split()) == offered
