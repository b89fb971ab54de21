"""How the memory of the process is shared out among its threads."""

from __future__ import annotations

import ctypes
import platform

#: `mallopt`'s number for the most heaps that there may be, of glibc's malloc.h.
M_ARENA_MAX = -8


def share_one_heap() -> None:
    """Have all threads share one heap, where the C library is glibc.

    By default it gives each thread a heap of its own (mallopt(3)). As any request may compute a batch for all, each
    heap would grow to what the largest batch needs.
    """
    library, _ = platform.libc_ver()
    if library == "glibc":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
