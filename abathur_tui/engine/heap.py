"""How often Python looks for garbage in an engine's process, and what of it goes back to the system."""

import ctypes
import gc
from functools import cache

_YOUNG = 5000
"""Objects that come to be before it looks through the young ones."""
_OLDER = 20
"""Of those looks, before it looks through what has outlived them."""

_M_MMAP_THRESHOLD = -3
"""As `malloc.h` has it."""
_LONG_BYTES = 512 * 1024


def settle() -> None:
    """What is there already, modules most of all, stays: it is not looked through again and again while agents come and go.

    For a process whose purpose is an engine, once, before that begins.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLDER, _OLDER)
    keep_no_spare()


def keep_no_spare() -> None:
    """Long texts are taken from the system one by one, and go back to it with their end: glibc would learn from them to keep ever more."""
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _LONG_BYTES)


def give_back() -> None:
    """Memory that many short texts had taken goes back to the system; glibc keeps it otherwise. Half a millisecond where there is none."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is one that has to be told."""
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None
