"""`git("main..HEAD")`: a difference between two commits, read by a git that runs nothing that the repository names."""

import os
import re
import selectors
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from abathur_tui.domain.protected import PROTECTED_GLOBS
from abathur_tui.language.sources.refused import Refused

_SECONDS = 20.0
_RANGE = re.compile(r"[0-9A-Za-z_@.][0-9A-Za-z_@./^~{}+#=-]*?(\.\.\.?)[0-9A-Za-z_@.][0-9A-Za-z_@./^~{}+#=-]*")
_OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "diff.external=",
    "protocol.allow=never",
    "core.attributesFile=/dev/null",
)


def difference(revisions: str, folder: Path, max_bytes: int) -> str:
    """What `git diff` says of `revisions` (`a..b` or `a...b`) below `folder`. Raises Refused.

    Both sides are commits: a difference to the files themselves would run the filters that the repository's settings name.
    """
    if _RANGE.fullmatch(revisions) is None or len(revisions) > 400:
        raise Refused(f"{revisions!r} is no range of commits", 'git("main..HEAD")')
    program = _git(folder)
    options = [part for option in _OPTIONS for part in ("-c", option)]
    excluded = [f":(exclude,glob,icase)**/{name}" for name in PROTECTED_GLOBS]
    flags = ["--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short", "--ignore-submodules=all", "--relative"]
    command = [program, "--no-pager", *options, "diff", *flags, revisions, "--", ".", *excluded]
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
        except OSError as error:
            raise Refused(f"git cannot be started: {error.strerror}") from None
        with process:
            try:
                data = _read(process, max_bytes)
            finally:
                process.kill()
        errors.seek(0)
        complaint = errors.read(2000).decode("utf-8", "replace").strip().splitlines()
    if len(data) > max_bytes:
        raise Refused(f"the difference {revisions} is longer than {max_bytes:,} bytes", "choose commits that are nearer to each other")
    if process.returncode != 0:
        reason = complaint[0].removeprefix("fatal: ") if complaint else f"exit code {process.returncode}"
        raise Refused(f"git has no difference {revisions}: {reason[:200]}")
    return data.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _read(process: "subprocess.Popen[bytes]", max_bytes: int) -> bytes:
    """Its output, up to one byte more than allowed; the process has ended then, or is to be killed."""
    assert process.stdout is not None
    deadline = time.monotonic() + _SECONDS
    chunks: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while size <= max_bytes:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise Refused(f"git took longer than {_SECONDS:.0f} s")
            chunk = os.read(process.stdout.fileno(), 65_536)
            if not chunk:
                process.wait()
                break
            chunks.append(chunk)
            size += len(chunk)
    return b"".join(chunks)


def _git(folder: Path) -> str:
    """The git of the PATH; never one that lies inside the project."""
    root = folder.resolve()
    for place in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if place and Path(place).is_absolute() and not Path(place).resolve().is_relative_to(root):
            found = shutil.which("git", path=place)
            if found:
                return found
    raise Refused("there is no git on this machine", "install git, or use file()")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_ATTR_NOSYSTEM": "1",
    }
