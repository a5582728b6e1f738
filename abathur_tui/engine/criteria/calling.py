"""Calls one function of the user's, `python -P calling.py MODULE:FUNCTION` in the project's folder, and prints what it said as one JSON object.

The pass and the history come as JSON on standard input; with `reduce` behind the function, the results that it is to make one of. What the
function prints itself goes to standard error. Only the standard library is imported: it runs in a process that has nothing of the engine.
"""

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any


def call(name: str, told: dict[str, Any]) -> object:
    """What the function says of the pass and the history. Raises whatever the function, or its import, raises."""
    place, _, function = name.rpartition(":")
    return getattr(_module(place), function)(told["pass"], told["history"])


def answer(value: object) -> dict[str, object]:
    """`content`: true, false, or null where what was given back is neither; and the reason."""
    said, reason = value if isinstance(value, tuple) and len(value) == 2 else (value, "")
    if type(said).__name__ in ("bool", "bool_") and isinstance(reason, str):  # numpy's comparisons give bool_
        return {"content": bool(said), "reason": reason}
    return {"content": None, "reason": f"gave back {value!r:.200}, not True, False, or one of them with a reason"}


def reduced(name: str, results: list[dict[str, Any]]) -> dict[str, object]:
    """`result`: the text that the function makes of the results, or its value as JSON. Raises whatever the function raises."""
    place, _, function = name.rpartition(":")
    value = getattr(_module(place), function)(results)
    return {"result": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    path = Path(place)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {place}")
    sys.path.insert(0, str(path.parent.resolve()))  # what stands beside it
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Answer once."""
    told = json.load(sys.stdin)
    sys.path.insert(0, os.getcwd())
    own_output = os.dup(1)
    os.dup2(2, 1)
    try:
        said = reduced(sys.argv[1], told) if sys.argv[2:] == ["reduce"] else answer(call(sys.argv[1], told))
    except Exception as error:
        said = {"content": None, "reason": f"raised {type(error).__name__}: {error}"}
    sys.stdout.flush()
    with os.fdopen(own_output, "w", encoding="utf-8") as file:
        json.dump(said, file)


if __name__ == "__main__":
    main()
