"""The threads of a server share one heap."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

#: Prints how many heaps glibc knows of once four threads have each asked it for memory.
COUNT_HEAPS = """
import ctypes, sys, tempfile
from threading import Barrier, Thread
from linnaeus.server.heap import share_one_heap

if sys.argv[1] == "shared":
    share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
together = Barrier(4)

def allocate():
    libc.malloc(1000)
    together.wait()

threads = [Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.TemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fdopen(file.fileno(), b"w"))
    libc.malloc_info(0, stream)
    libc.fflush(stream)
    file.seek(0)
    print(file.read().count(b"<heap nr="))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives each thread a heap of its own")
def test_threads_share_one_heap() -> None:
    assert _heaps("own") > 1
    assert _heaps("shared") == 1


def _heaps(kind: str) -> int:
    counted = subprocess.run([sys.executable, "-c", COUNT_HEAPS, kind], capture_output=True, text=True, check=True)
    return int(counted.stdout)
