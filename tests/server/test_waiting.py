"""Who has left while waiting is not computed for."""

from __future__ import annotations

import anyio
import pytest

from linnaeus.server import waiting
from linnaeus.server.errors import RefusedError
from linnaeus.server.metrics import Metrics
from linnaeus.server.waiting import WaitingLine


@pytest.mark.parametrize("left", [True, False])
def test_whoever_has_left_is_passed_over(left: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "NOTICEABLE_SECONDS", -1.0)
    computed = []

    async def has_left() -> bool:
        return left

    async def ask() -> None:
        await WaitingLine(threads=1, max_waiting=1, metrics=Metrics()).run(lambda: computed.append("x"), has_left)

    if left:
        with pytest.raises(RefusedError, match="The client has left"):
            anyio.run(ask)
    else:
        anyio.run(ask)
    assert computed == ([] if left else ["x"])
