"""What the reading tools tell a model."""

import asyncio
import os
from pathlib import Path

import pytest

from abathur_tui.domain.data import JsonObject
from abathur_tui.processes import Children
from abathur_tui.tools import for_project
from abathur_tui.tools.grep import MOST_MATCHES, MOST_MATCHES_OF_FILE, SECONDS, Grep
from abathur_tui.tools.list_folder import MOST_DEPTH, MOST_ENTRIES
from abathur_tui.tools.read_file import MOST_BYTES, MOST_CHARACTERS, MOST_LINES
from tests.waiting import eventually_async


async def run(folder: Path, tool: str, **arguments: str | int | bool | None) -> str:
    outcome = await for_project(folder)[tool].run(dict(arguments))
    assert not outcome.is_error, outcome.text
    return outcome.text


async def refusal(folder: Path, tool: str, **arguments: str | int | bool | float | list[str] | None) -> str:
    given: JsonObject = {name: list(value) if isinstance(value, list) else value for name, value in arguments.items()}
    outcome = await for_project(folder)[tool].run(given)
    assert outcome.is_error, outcome.text
    assert outcome.summary
    return outcome.text


def test_every_tool_has_a_definition_that_the_api_takes(tmp_path: Path) -> None:
    tools = for_project(tmp_path)

    assert sorted(tools) == ["grep", "list_folder", "read_file"]
    for tool in tools.values():
        assert tool.definition.input_schema["type"] == "object"
        assert tool.definition.description.endswith(".")


class TestReadFile:
    async def test_lines_are_numbered(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\nthree")

        assert await run(tmp_path, "read_file", path="a.txt") == "a.txt (3 lines)\n     1\tone\n     2\ttwo\n     3\tthree"

    async def test_a_range_says_of_how_many(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("".join(f"line {number}\n" for number in range(1, 11)))

        text = await run(tmp_path, "read_file", path="a.txt", start_line=3, end_line=4)

        assert text == "a.txt (lines 3 to 4 of 10)\n     3\tline 3\n     4\tline 4"

    async def test_a_long_file_is_cut_visibly_and_goes_on_where_it_was_cut(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("x\n" * (MOST_LINES + 5))

        first = await run(tmp_path, "read_file", path="a.txt")
        rest = await run(tmp_path, "read_file", path="a.txt", start_line=MOST_LINES + 1)

        assert first.endswith(f"[cut here: go on with start_line={MOST_LINES + 1}]")
        assert rest.startswith(f"a.txt (lines {MOST_LINES + 1} to {MOST_LINES + 5} of {MOST_LINES + 5})")

    async def test_long_lines_are_cut_and_say_so(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("\n".join("y" * 100_000 for _ in range(100)))

        text = await run(tmp_path, "read_file", path="a.txt")

        assert "98,000 more characters in this line" in text
        assert len(text) < MOST_CHARACTERS + 5_000
        assert "[cut here" in text

    async def test_what_is_not_utf8_is_still_readable(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes("naïve".encode("latin-1"))

        assert "na\ufffdve" in await run(tmp_path, "read_file", path="a.txt")

    async def test_an_empty_file_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").touch()

        assert await run(tmp_path, "read_file", path="a.txt") == "a.txt is empty."

    async def test_a_binary_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(b"\x89PNG\0\0")

        assert "binary" in await refusal(tmp_path, "read_file", path="a.png")

    async def test_a_huge_file_is_refused(self, tmp_path: Path) -> None:
        with (tmp_path / "a.log").open("wb") as file:
            file.truncate(MOST_BYTES + 1)

        assert "larger than 32 MB" in await refusal(tmp_path, "read_file", path="a.log")

    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"path": ""},
            {"path": 3},
            {"path": ["a"]},
            {"path": "\ud800"},
            {"path": "a.txt", "start_line": 0},
            {"path": "a.txt", "start_line": True},
        ],
    )
    async def test_wrong_arguments_are_told(self, tmp_path: Path, arguments: dict[str, str]) -> None:
        (tmp_path / "a.txt").write_text("a")

        assert "argument" in await refusal(tmp_path, "read_file", **arguments)

    async def test_a_wrong_range_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("a\n")

        assert "beyond its end" in await refusal(tmp_path, "read_file", path="a.txt", start_line=2)
        assert "before start_line" in await refusal(tmp_path, "read_file", path="a.txt", start_line=2, end_line=1)
        assert "no argument lines" in await refusal(tmp_path, "read_file", path="a.txt", lines="1-2")

    async def test_a_file_that_may_not_be_read_says_why(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").touch(mode=0)
        if os.access(tmp_path / "a.txt", os.R_OK):
            pytest.skip("root reads everything")

        assert "Permission denied" in await refusal(tmp_path, "read_file", path="a.txt")


class TestListFolder:
    async def test_folders_come_first_and_files_have_sizes(self, tmp_path: Path) -> None:
        (tmp_path / "b").mkdir()
        (tmp_path / "a.txt").write_text("12345")
        (tmp_path / "link").symlink_to("a.txt")
        (tmp_path / ".env").write_text("secret")

        text = await run(tmp_path, "list_folder")

        assert text == "./ (4 entries)\nb/\n.env (protected)\na.txt (5 bytes)\nlink (link)"

    async def test_levels_are_indented(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b" / "c").mkdir(parents=True)
        (tmp_path / ".git" / "objects").mkdir(parents=True)

        text = await run(tmp_path, "list_folder", depth=2)

        assert text == "./ (3 entries)\n.git/\na/\n  b/"

    async def test_a_large_folder_is_cut_visibly(self, tmp_path: Path) -> None:
        for number in range(MOST_ENTRIES + 1):
            (tmp_path / f"{number:04}").touch()

        text = await run(tmp_path, "list_folder")

        assert text.startswith(f"./ ({MOST_ENTRIES} entries, not all)")
        assert text.endswith("[cut here: list a folder further down]")

    async def test_names_that_would_forge_lines_are_made_plain(self, tmp_path: Path) -> None:
        (tmp_path / "a\nb.txt").touch()
        (tmp_path / os.fsdecode(b"\xff.txt")).touch()

        text = await run(tmp_path, "list_folder")

        assert "a?b.txt (0 bytes)" in text
        assert text.count("\n") == 2
        text.encode()

    async def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").touch()

        await refusal(tmp_path, "list_folder", path="a.txt")


class TestGrep:
    async def test_matches_come_with_path_and_line(self, tmp_path: Path) -> None:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "a.py").write_text("import os\n\ndef total():\n    pass\n")
        (tmp_path / "b.py").write_text("def total_of(): ...\n")

        text = await run(tmp_path, "grep", pattern=r"def \w+", glob="*.py")

        assert text == "2 matches in 2 files (2 files searched, 0 left out)\nb.py:1: def total_of(): ...\nsrc/a.py:3: def total():"

    async def test_a_path_narrows_it_to_a_folder_or_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "a.py").write_text("word\n")
        (tmp_path / "b.py").write_text("WORD\n")

        assert "src/a.py:1: word" in await run(tmp_path, "grep", pattern="word", path="src")
        assert "b.py:1: WORD" in await run(tmp_path, "grep", pattern="word", path="b.py", ignore_case=True)
        assert (await run(tmp_path, "grep", pattern="word", path="b.py")).startswith("no match")

    @pytest.mark.parametrize(
        ("glob", "found"),
        [("*.py", ["a.py", "src/b.py", "src/x/c.py"]), ("src/*.py", ["src/b.py"]), ("src/**/*.py", ["src/b.py", "src/x/c.py"]), ("**", ["a.py"])],
    )
    async def test_globs_fit_names_or_paths(self, tmp_path: Path, glob: str, found: list[str]) -> None:
        (tmp_path / "src" / "x").mkdir(parents=True)
        for path in ("a.py", "src/b.py", "src/x/c.py", "d.txt"):
            (tmp_path / path).write_text("word")

        text = await run(tmp_path, "grep", pattern="word", glob=glob)

        assert all(f"{path}:1:" in text for path in found)
        assert glob == "**" or text.count(":1:") == len(found)

    async def test_a_pattern_that_never_ends_is_stopped_without_holding_up_the_rest(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("easy aaa\n")
        (tmp_path / "b.txt").write_text("a" * 60 + "!\n")
        children = Children()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        outcome = await Grep(tmp_path, children, seconds=1.0).run({"pattern": "(a+)+$"})
        ticking.cancel()

        assert "a.txt:1: easy aaa" in outcome.text
        assert "stopped after 1 s" in outcome.text
        assert ticks > 10

    async def test_a_cancelled_search_leaves_no_process(self, tmp_path: Path) -> None:
        (tmp_path / "b.txt").write_text("a" * 60 + "!\n")
        children = Children()
        search = asyncio.create_task(Grep(tmp_path, children).run({"pattern": "(a+)+$"}))
        await eventually_async(lambda: children._running)
        [child] = children._running

        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search

        await eventually_async(lambda: child.exit_code is not None)

    async def test_many_matches_are_cut_visibly(self, tmp_path: Path) -> None:
        for number in range(1 + MOST_MATCHES // MOST_MATCHES_OF_FILE):
            (tmp_path / f"{number}.txt").write_text("word\n" * (MOST_MATCHES_OF_FILE + 1))

        text = await run(tmp_path, "grep", pattern="word")

        assert text.count(": word") == MOST_MATCHES
        assert text.endswith("[cut here: narrow it by path, glob or pattern]")

    async def test_of_a_long_line_the_part_that_fits_is_shown(self, tmp_path: Path) -> None:
        (tmp_path / "a.js").write_text("x" * 9_000 + "needle" + "y" * 9_000)

        text = await run(tmp_path, "grep", pattern="needle")

        assert "needle" in text
        assert len(text) < 500

    async def test_binary_and_hidden_tool_files_are_left_out(self, tmp_path: Path) -> None:
        (tmp_path / "a.bin").write_bytes(b"word\0")
        (tmp_path / ".git").mkdir()
        (tmp_path / ".git" / "HEAD").write_text("word")

        assert await run(tmp_path, "grep", pattern="word") == "no match (0 files searched, 1 left out)"

    @pytest.mark.parametrize("pattern", ["(", "(?P<n>a)(?P<n>b)", "a{99999999999}", "(" * 900, "x" * 2_000])
    async def test_a_wrong_pattern_is_told(self, tmp_path: Path, pattern: str) -> None:
        assert "pattern" in await refusal(tmp_path, "grep", pattern=pattern)


def test_the_documentation_states_the_limits_that_hold() -> None:
    page = (Path(__file__).parents[2] / "docs" / "runtimes.md").read_text()

    assert f"at most {MOST_LINES:,} lines or {MOST_CHARACTERS:,} characters" in page
    assert f"at most {MOST_ENTRIES}, down to five levels" in page
    assert f"at most {MOST_MATCHES}, within ten seconds" in page
    assert MOST_DEPTH == 5
    assert SECONDS == 10
