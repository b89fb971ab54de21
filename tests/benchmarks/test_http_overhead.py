"""Reading what wrk prints."""

from __future__ import annotations

import pytest

from benchmarks.http_overhead import read_wrk

REPORT = """Running 2s test @ http://127.0.0.1:8080/
  1 threads and 32 connections
  Latency Distribution
     50%    7.41ms
     75%    8.04ms
     90%    9.12ms
     99%  950.00us
  8510 requests in 2.00s, 2.83MB read
Requests/sec:   4252.61
Transfer/sec:      1.41MB
"""


def test_a_report_is_read() -> None:
    assert read_wrk(REPORT) == {"per_second": 4252.61, "p50_ms": 7.41, "p99_ms": pytest.approx(0.95)}


@pytest.mark.parametrize("line", ["Non-2xx or 3xx responses: 3\n", "Socket errors: connect 0, read 1\n"])
def test_failures_are_no_figures(line: str) -> None:
    with pytest.raises(ValueError, match="Requests failed"):
        read_wrk(REPORT + line)
