"""Files are found where people write them in Markdown."""

import pytest

from abathur_tui.engine.joins.file_blocks import FileBlock, files_in, shown, without_files


@pytest.mark.parametrize(
    "text",
    [
        "### src/app.py\n\n```python\nx = 1\n```\n",
        "### `src/app.py`\n```python\nx = 1\n```",
        "**src/app.py**\n\n```python\nx = 1\n```",
        "1. `./src/app.py` (new)\n\n```python\nx = 1\n```",
        "src/app.py:\n```python\nx = 1\n```",
        "File: src/app.py\n```python\nx = 1\n```",
        "```python src/app.py\nx = 1\n```",
        "```python:src/app.py\nx = 1\n```",
        '```python title="src/app.py"\nx = 1\n```',
        "## Files\n\nThe server, `src/app.py`:\n\n~~~python\nx = 1\n~~~",
        "### src/app.py\n\n```python\nx = 1",
    ],
)
def test_a_file_is_found(text: str) -> None:
    assert files_in(text) == {"src/app.py": FileBlock("src/app.py", "python", "x = 1\n")}


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1\n```",
        "Run it:\n\n```sh\nmake\n```",
        "### ../up.py\n```python\nx = 1\n```",
        "### /etc/passwd\n```\nx\n```",
        "## Version 1.2.3\n```\nx\n```",
        "Use `a.py` and `b.py`:\n```\nx\n```",
        "src/app.py\n\n\n\n```python\nx = 1\n```",
    ],
)
def test_a_block_without_a_path_of_its_own_is_none(text: str) -> None:
    assert files_in(text) == {}


def test_of_two_with_the_same_path_the_later_one_counts() -> None:
    assert files_in("### a.py\n```\n1\n```\n### a.py\n```\n2\n```")["a.py"].text == "2\n"


def test_fences_inside_a_longer_fence_belong_to_the_file() -> None:
    block = files_in("### README.md\n````markdown\n```sh\nls\n```\n````\nafter")["README.md"]

    assert block.text == "```sh\nls\n```\n"
    assert files_in(shown(block)) == {"README.md": block}


def test_the_rest_of_the_text_has_no_files() -> None:
    assert without_files('### a.py\n```\n1\n```\n\n```json\n{"a": 1}\n```\n') == '### a.py\n\n```json\n{"a": 1}\n```\n'


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", ".gitignore", "a.b"])
def test_names_without_a_folder(name: str) -> None:
    assert list(files_in(f"### {name}\n```\nx\n```")) == [name]
