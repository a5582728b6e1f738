"""Settings from their layers: who wins, where it is said to come from, what does not count, and what is a mistake."""

import os
from pathlib import Path

import pytest

from abathur_tui.domain.errors import ConfigInvalid, Detail
from abathur_tui.domain.execution import RuntimeName
from abathur_tui.domain.status import Status
from abathur_tui.settings import Settings, load, user_file


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, for a user whose own configuration folder is empty."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    folder = tmp_path / "project"
    (folder / ".abathur").mkdir(parents=True)
    return folder


def write(path: Path, text: str) -> Path:
    """The file with this text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(project: Path, environ: dict[str, str] | None = None, flags: dict[str, object] | None = None) -> tuple[Detail, ...]:
    """What loading finds wrong."""
    with pytest.raises(ConfigInvalid) as caught:
        load(project, environ=environ or {}, flags=flags)
    return caught.value.details


def test_without_any_file_every_value_is_its_default(project: Path) -> None:
    loaded = load(project, environ={})

    assert loaded.settings == Settings()
    assert set(loaded.origin.values()) == {"default"}
    assert loaded.settings.queue.max_size == 10_000
    assert loaded.settings.api.runtime is None


def test_a_folder_is_not_needed(project: Path) -> None:
    assert load(None, environ={}).settings == Settings()


def test_each_layer_wins_over_those_below_it_and_is_named(project: Path) -> None:
    # given a key more in each layer from the top down
    keys = ["max_size", "max_retries", "retry_initial_seconds", "retry_factor", "retry_max_seconds"]

    def table(count: int, value: int) -> str:
        return "[queue]\n" + "".join(f"{key} = {value}\n" for key in keys[:count])

    shared = write(project / ".abathur/config.toml", table(5, 15))
    own = write(user_file(), table(4, 14))
    local = write(project / ".abathur/local.toml", table(3, 13))
    environ = {f"ABATHUR_QUEUE__{key.upper()}": "12" for key in keys[:2]}

    # when
    loaded = load(project, environ=environ, flags={"queue.max_size": 11})

    # then
    queue = loaded.settings.queue
    assert [queue.max_size, queue.max_retries, queue.retry_initial_seconds, queue.retry_factor, queue.retry_max_seconds] == [11, 12, 13, 14, 15]
    assert [loaded.origin[f"queue.{key}"] for key in keys] == ["flag", "ABATHUR_QUEUE__MAX_RETRIES", f"{local}:4", f"{own}:5", f"{shared}:6"]


def test_durations_and_sizes_are_numbers_or_texts(project: Path) -> None:
    write(project / ".abathur/config.toml", '[queue]\ntask_timeout_seconds = "1h30m"\nretry_max_seconds = 7\n[language]\nmax_bytes = "64KB"\n')

    loaded = load(project, environ={"ABATHUR_LOOP__TIMEOUT_SECONDS": "5m", "ABATHUR_SYSTEM__IDLE_SECONDS": "2.5"}).settings

    assert loaded.queue.task_timeout_seconds == 5400
    assert loaded.queue.retry_max_seconds == 7
    assert loaded.language.max_bytes == 65_536
    assert loaded.loop.timeout_seconds == 300
    assert loaded.system.idle_seconds == 2.5


def test_arrays_in_the_environment_are_json_and_texts_are_themselves(project: Path) -> None:
    environ = {
        "ABATHUR_RUNTIMES__COMMAND__ARGV": '["python", "agent.py"]',
        "ABATHUR_API__RUNTIME": "command",
        "ABATHUR_API__MODEL": "123",
        "ABATHUR_TASK": "t1",
        "ABATHUR_DATA_DIR": "",
    }

    settings = load(project, environ=environ).settings

    assert settings.runtimes.command.argv == ("python", "agent.py")
    assert settings.api.runtime is RuntimeName.COMMAND
    assert settings.api.model == "123"


@pytest.mark.parametrize("file", ["config.toml", "local.toml"])
def test_a_projects_file_cannot_choose_programs_addresses_or_runtimes(project: Path, file: str) -> None:
    # given a cloned repository that tries to
    text = '[api]\nruntime = "command"\nbase_url = "https://evil.example"\nmodel = "m"\n\n[runtimes.command]\nargv = ["sh", "-c", "x"]\n'
    path = write(project / ".abathur" / file, text)

    # when
    loaded = load(project, environ={})

    # then none of it counts, all of it is said, and what is harmless counts
    assert loaded.settings == Settings.model_validate({"api": {"model": "m"}})
    assert [notice.split(" does not count")[0] for notice in loaded.notices] == [
        f"{path}:2: api.runtime",
        f"{path}:3: api.base_url",
        f"{path}:7: runtimes.command.argv",
    ]


def test_the_users_own_file_can_choose_them(project: Path) -> None:
    write(user_file(), '[api]\nruntime = "command"\n[runtimes.command]\nargv = ["x"]\n')

    loaded = load(project, environ={})

    assert loaded.settings.api.runtime is RuntimeName.COMMAND
    assert loaded.settings.runtimes.command.argv == ("x",)
    assert loaded.notices == ()


def test_all_mistakes_of_all_layers_come_at_once_with_their_places(project: Path) -> None:
    # given
    shared = write(project / ".abathur/config.toml", "[queue]\nmax_sise = 3\nmax_retries = true\n\n[swarm]\nmax_agents = 501\n")
    own = write(user_file(), '[loop]\ntimeout_seconds = "5 parsecs"\n')
    environ = {"ABATHUR_FORK__SUCCESS_THRESHOLD": "much"}

    # when
    found = mistakes(project, environ, {"queue.max_size": "x"})

    # then
    places = {(one.file, one.line) for one in found}
    assert places == {
        (str(shared), 2),
        (str(shared), 3),
        (str(shared), 6),
        (str(own), 2),
        ("ABATHUR_FORK__SUCCESS_THRESHOLD", None),
        ("flag", None),
    }
    by_line = {one.line: one for one in found if one.file == str(shared)}
    assert by_line[2].suggestion == "did you mean max_size?"
    assert "max_retries" in by_line[2].message
    assert by_line[2].source == "max_sise = 3"
    assert by_line[3].message == "queue.max_retries: it must be a whole number, not True"
    assert "less than or equal to 500" in by_line[6].message
    assert any('"30s", "5m"' in one.message for one in found)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[queue]\nmax_size = "\n', 2),
        ("[queue\n", 1),
        ("[queue]\nmax_size = 1\nmax_size = 2\n", 3),
        ("a = " + "[" * 5000, None),
        ("x", 1),
        ("a = " + "9" * 5000, None),
    ],
)
def test_broken_toml_is_one_mistake_with_its_line(project: Path, text: str, line: int | None) -> None:
    path = write(project / ".abathur/config.toml", text)

    (mistake,) = mistakes(project)

    assert mistake.file == str(path)
    assert mistake.line == line
    assert "TOML" in mistake.message


def test_a_known_key_without_effect_is_refused_as_not_yet(project: Path) -> None:
    write(project / ".abathur/config.toml", "[budget]\ntask_usd = 1\n[api]\nrequests_per_minute = 3\n")

    found = mistakes(project, {"ABATHUR_PROFILE": "night", "ABATHUR_SECURITY__SANDBOX": "off"})

    assert len(found) == 4
    assert all("cannot honour" in one.message for one in found)
    assert sorted(one.line for one in found if one.line) == [1, 4]


def test_a_short_lease_alone_shortens_the_heartbeat_and_both_must_fit(project: Path) -> None:
    assert load(project, environ={"ABATHUR_QUEUE__LEASE_SECONDS": "6"}).settings.queue.heartbeat_seconds == 2
    assert load(project, environ={"ABATHUR_QUEUE__LEASE_SECONDS": "900"}).settings.queue.heartbeat_seconds == 30

    (mistake,) = mistakes(project, {"ABATHUR_QUEUE__LEASE_SECONDS": "6", "ABATHUR_QUEUE__HEARTBEAT_SECONDS": "5"})

    assert "half" in mistake.message
    assert mistake.file == "ABATHUR_QUEUE__HEARTBEAT_SECONDS"


def test_the_data_folder_can_be_elsewhere(project: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/config.toml", "[queue]\nmax_size = 7\n")

    loaded = load(project, environ={"ABATHUR_DATA_DIR": str(tmp_path / "elsewhere")})

    assert loaded.settings.queue.max_size == 7


def test_what_is_no_plain_small_text_is_a_mistake_and_never_read(project: Path, tmp_path: Path) -> None:
    # given a link out of the project, a pipe that nobody writes to, and bytes
    secret = write(tmp_path / "secret", "password")
    (project / ".abathur/config.toml").symlink_to(secret)
    os.mkfifo(project / ".abathur/local.toml")
    user_file().parent.mkdir(parents=True)
    user_file().write_bytes(b"\xff\xfe")

    # when
    found = mistakes(project)

    # then
    assert [one.message for one in found] == [
        "the file cannot be read: it is no regular file",
        "the file cannot be read: it is no UTF-8 text (byte 0)",
        "the file cannot be read: it is no regular file",
    ]
    assert "password" not in str(found)


def test_a_mistake_shows_no_secret(project: Path) -> None:
    write(
        project / ".abathur/config.toml",
        'api_key = "hunter2"\n[api]\nmodle = "sk-ant-hunter2-hunter2"\nmodel = 1 # https://me:hunter2@models.example\n',
    )
    write(user_file(), '[api]\nbase_url = "https://me:hunter2@models.example"\ntoken = """hunter2\n')

    found = mistakes(project, {"ABATHUR_API__BASE_URL": "https://me:hunter2@models.example", "ABATHUR_API__KEY": "hunter2"})

    assert len(found) == 6
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "https://models.example/v1/", "http://[::1]:80"])
def test_an_address_is_taken_as_it_is(project: Path, address: str) -> None:
    assert load(project, environ={"ABATHUR_API__BASE_URL": address}).settings.api.base_url == address


@pytest.mark.parametrize("address", ["models.example", "file:///etc/passwd", "https://", "https://a b", ""])
def test_what_is_no_address_is_refused(project: Path, address: str) -> None:
    (mistake,) = mistakes(project, {"ABATHUR_API__BASE_URL": address})

    assert "such as https://models.example" in mistake.message


def test_a_project_names_only_folders_of_templates_inside_itself(project: Path) -> None:
    file = write(project / ".abathur/config.toml", '[templates]\nfolders = ["team", "/etc", "~/x", "a/../../b", "more/of"]\n')

    loaded = load(project, environ={})

    assert loaded.settings.templates.folders == ("team", "more/of")
    assert loaded.notices == tuple(
        f"{file}:2: the folder {folder} does not count: a project's file can name only folders inside the project."
        for folder in ("/etc", "~/x", "a/../../b")
    )


def test_the_user_names_folders_of_templates_anywhere(project: Path) -> None:
    write(user_file(), '[templates]\nfolders = ["/srv/templates", "~/templates"]\n')

    loaded = load(project, environ={})

    assert loaded.settings.templates.folders == ("/srv/templates", "~/templates")
    assert loaded.notices == ()


def test_a_table_of_what_the_user_names_is_one_setting(project: Path) -> None:
    write(project / ".abathur/config.toml", '[swarm.per_model]\n"some-model-4.5" = 2\n')

    assert load(project, environ={}).settings.swarm.per_model == {"some-model-4.5": 2}
    assert load(project, environ={"ABATHUR_SWARM__PER_MODEL": '{"local": 3}'}).settings.swarm.per_model == {"local": 3}
    [mistake] = mistakes(project, {"ABATHUR_SWARM__PER_MODEL": '{"local": 501}'})
    assert "500" in mistake.message


ON_FAILED = '[[queue.on_status]]\nstatuses = ["failed", "dead"]\ncommand = ["notify", "-"]\n'


@pytest.mark.parametrize("file", ["config.toml", "local.toml"])
def test_a_projects_file_names_no_command_on_a_change_of_status(project: Path, file: str) -> None:
    path = write(project / ".abathur" / file, f"[queue]\nmax_size = 7\n\n{ON_FAILED}")

    loaded = load(project, environ={})

    assert (loaded.settings.queue.on_status, loaded.settings.queue.max_size) == ((), 7)
    assert [notice.split(" does not count")[0] for notice in loaded.notices] == [f"{path}:4: queue.on_status"]


def test_the_user_and_the_environment_name_commands_on_changes_of_status(project: Path) -> None:
    write(user_file(), ON_FAILED)

    (of_file,) = load(project, environ={}).settings.queue.on_status
    (of_environ,) = load(project, environ={"ABATHUR_QUEUE__ON_STATUS": '[{"statuses": ["completed"], "command": ["x"]}]'}).settings.queue.on_status

    assert (of_file.statuses, of_file.command, of_file.timeout_seconds) == ((Status.FAILED, Status.DEAD), ("notify", "-"), 30)
    assert of_environ.command == ("x",)


def test_mistaken_times_and_commands_of_the_queue_are_told_with_their_lines(project: Path) -> None:
    text = '[queue]\nquiet_windows = ["mon 12:00-13:00", "at night"]\n\n[[queue.on_status]]\nstatuses = ["faild"]\ncommand = []\n'
    file = write(user_file(), text)

    found = mistakes(project)

    assert {(detail.file, detail.line) for detail in found} == {(str(file), 2), (str(file), 5), (str(file), 6)}
    assert any("days, hours and a time zone" in detail.message for detail in found)
