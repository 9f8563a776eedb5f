"""Keeps freed memory in the process: on CPU, training is otherwise half page faults.

XLA takes the arrays of each step from malloc and frees them again. glibc gives large
blocks back to the system at once, so that every step pays for the same pages anew.
"""

import ctypes
import platform

# Parameters of mallopt(3), from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8


def keep_freed_memory() -> None:
    """Tells glibc's malloc to reuse large blocks; does nothing with another libc."""
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)  # no block of its own for a large array
    libc.mallopt(_M_TRIM_THRESHOLD, -1)  # never return the top of the heap
    libc.mallopt(_M_ARENA_MAX, 1)  # other arenas are too small for such blocks
    libc.mallopt(_M_TOP_PAD, 64 * 2**20)
