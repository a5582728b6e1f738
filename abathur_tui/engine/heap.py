"""How often Python looks for garbage in an engine's process."""

import gc

_YOUNG = 5000
"""Objects that come to be before it looks through the young ones."""
_OLDER = 20
"""Of those looks, before it looks through what has outlived them."""


def settle() -> None:
    """What is there already, modules most of all, stays: it is not looked through again and again while agents come and go.

    For a process whose purpose is an engine, once, before that begins.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLDER, _OLDER)
