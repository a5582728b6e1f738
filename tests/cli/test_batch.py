"""`batch` and `extract --run`: several executions, one table, one exit code."""

import json
import signal
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.waiting import eventually

NOTES = """# Notes

Use `first = ABYSSAL[RESEARCH]("SAY one")` first.

```abyssal
ABYSSAL[RESEARCH](first, style="SAY two")
```
"""


def outputs(results: list[dict[str, str]]) -> list[str]:
    return [result["output"].strip() for result in results]


def test_each_statement_is_an_execution_and_connected_ones_are_together(project: Program) -> None:
    (project.folder / "all.abyssal").write_text(
        'one = ABYSSAL[RESEARCH]("SAY one")\nABYSSAL[RESEARCH]("SAY alone")\nABYSSAL[RESEARCH](one, style="SAY two")\n'
    )

    answer = project("batch", "all.abyssal", "--json")

    assert answer.code == 0, answer.err
    assert [(result["execution"], result["status"], len(result["members"])) for result in answer.data] == [
        ("x1", "completed", 2),
        ("x2", "completed", 1),
    ]
    assert "alone" in answer.data[1]["output"]


def test_json_arrays_and_lines_are_batches_too(project: Program) -> None:
    commands = ["SAY a", {"template": "RESEARCH", "params": {"question": "SAY b"}}, {"line": 3, "column": 1, "text": "SAY c"}]

    array = project("batch", "-", "--json", input=json.dumps(commands, indent=2))
    lines = project("batch", "-", "--json", input="\n\n".join(map(json.dumps, commands)) + "\n")

    assert array.code == lines.code == 0, lines.err
    assert outputs(array.data) == outputs(lines.data) == ["a", "b", "c"]
    assert project.inside("batch", "[]", "--json").data == []


def test_the_table_has_a_row_for_each_and_one_failure_is_exit_1(project: Program) -> None:
    answer = project("batch", '["SAY fine", {"prompt": "FAIL", "retries": 0}]')

    header, fine, failed = answer.out.splitlines()
    assert answer.code == 1
    assert header.split()[:3] == ["EXECUTION", "STATE", "TASKS"]
    assert (fine.split()[0], fine.split()[-1]) == ("x1", "fine")
    assert failed.startswith("x2")
    assert "ABTH-ERR-046" in failed
    assert "1 of 2 completed" in answer.err


def test_all_mistakes_are_told_and_nothing_is_queued(project: Program) -> None:
    lines = [
        '"SAY fine"',
        '{"prompt": "ABYSSAL[CODEE](1)"}',
        '{"prompt": "p", "priorty": 3}',
        "nonsense",
        "5",
        '{"prompt": "p", "priority": 30}',
        '{"id": "a", "prompt": "p"}',
    ]

    answer = project.inside("batch", "-", "--json", input="\n".join(lines))

    assert answer.code == 2
    assert [(detail["line"], detail.get("column"), detail.get("file")) for detail in answer.error["details"]] == [
        (2, 1 + lines[1].index("CODEE"), None),
        (3, None, None),
        (4, 1, None),
        (5, None, None),
        (6, None, None),
        (7, None, None),
    ]
    assert answer.error["details"][0]["source"] == lines[1]
    assert answer.error["details"][0]["suggestion"] == "did you mean CODE?"
    assert project.ask("task", "list") == []


@pytest.mark.parametrize(
    "text",
    [
        *("[1,", "[" * 100_000, '{"prompt": NaN}', "{}", "[null]"),
        *('[{"prompt": ""}]', '[{"template": "CODE", "params": [1]}]'),
    ],
)
def test_what_is_no_batch_is_a_mistake(program: Program, text: str) -> None:
    answer = program.inside("batch", "-", "--json", input=text)

    assert answer.code == 2, answer
    assert answer.error["code"] == "ABTH-ERR-111"
    assert answer.error["details"]


def test_a_full_queue_takes_none_of_them(project: Program) -> None:
    answer = project.inside("batch", '["SAY a", "SAY b", "SAY c"]', "--json", env={"ABATHUR_QUEUE__MAX_SIZE": "2"})

    assert answer.code == 4
    assert project.ask("task", "list") == []


def test_detached_they_run_by_themselves(project: Program) -> None:
    answer = project("batch", '["SAY a", "SAY b"]', "--detach", "--json")

    assert answer.data == [{"execution": "x1"}, {"execution": "x2"}]
    assert project("watch", "x2").out == "b\n"


def test_an_interrupt_cancels_all_and_waits(project: Program) -> None:
    running = project.start("batch", '["SAY begun; WAIT never", "SAY begun; WAIT never"]', "--json")
    eventually(lambda: len(project.ask("task", "list", "--status", "running")) == 2)

    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "Traceback" not in err
    assert [result["status"] for result in json.loads(out)] == ["cancelled", "cancelled"]


def test_commands_in_prose_run_as_one_batch(project: Program) -> None:
    answer = project("extract", "-", "--run", "--json", input=NOTES)

    assert answer.code == 0, answer.err
    (result,) = answer.data
    assert len(result["members"]) == 2
    assert project.inside("extract", "-", "--run", "--json", input="nothing").data == []


def test_results_are_put_back_under_their_commands(project: Program) -> None:
    notes = project.folder / "NOTES.md"
    notes.write_bytes(b"\xef\xbb\xbf" + NOTES.replace("\n", "\r\n").encode())
    notes.chmod(0o640)
    link = project.folder / "link.md"
    link.symlink_to(notes)

    answer = project("extract", "link.md", "--run", "--write", "--quiet")

    written = notes.read_bytes().decode()
    assert answer.code == 0, answer.err
    assert link.is_symlink()
    assert (notes.stat().st_mode & 0o777, written[0]) == (0o640, "\ufeff")
    assert "\n" not in written.replace("\r\n", "")
    assert "first.\r\n\r\n<!-- abathur:result x1 completed -->\r\n```text\r\none\r\n```\r\n<!-- abathur:end -->\r\n\r\n```abyssal" in written
    assert written.endswith("```\r\n\r\n<!-- abathur:result x1 completed -->\r\n```text\r\ntwo\r\n```\r\n<!-- abathur:end -->\r\n"), written
    assert [one["line"] for one in project.ask("extract", "NOTES.md")] == [3, 12]
    project("extract", "NOTES.md", "--run", "--write")
    assert notes.read_bytes().decode() == written.replace("x1", "x2")
    assert sorted(path.name for path in project.folder.iterdir() if path.name.startswith(".NOTES")) == []


def test_a_file_that_was_changed_meanwhile_is_left_alone(project: Program) -> None:
    notes = project.folder / "NOTES.md"
    notes.write_text('ABYSSAL[RESEARCH]("SAY begun; WAIT go")\n')
    running = project.start("extract", "NOTES.md", "--run", "--write", "--json")
    eventually(lambda: len(project.ask("task", "list", "--status", "running")) == 1)

    notes.write_text("something else\n")
    (project.folder / "go").touch()
    out, err = running.communicate(timeout=60)

    assert running.returncode != 0
    assert "was changed" in err
    assert json.loads(out)[0]["status"] == "completed"
    assert notes.read_text() == "something else\n"


def test_nothing_runs_where_results_could_not_be_written(project: Program, tmp_path: Path) -> None:
    unclosed = project.folder / "open.md"
    unclosed.write_text('```\nABYSSAL[RESEARCH]("x")\n')
    broken = project.folder / "broken.md"
    broken.write_text('ABYSSAL[RESEARCHH]("x") and ABYSSAL[RESEARCH](nobody)')

    assert project.inside("extract", "open.md", "--run", "--write").code == 2
    assert project.inside("extract", "open.md", "--write").code == 2
    assert project.inside("extract", "-", "--run", "--write", input=NOTES).code == 2
    mistakes = project.inside("extract", "broken.md", "--run", "--write", "--json")
    assert (mistakes.code, len(mistakes.error["details"])) == (2, 2)
    assert project.ask("task", "list") == []
    assert unclosed.read_text() == '```\nABYSSAL[RESEARCH]("x")\n'
