"""What is wrong with the engine is told, but not with every request."""

from __future__ import annotations

import logging

import pytest

from hailwhale.errors import BacklogFull, StorageUnavailable
from hailwhale.servers.outages import QUIET, Outages


def test_an_error_is_told_once_a_second_with_how_often_it_came_up(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    outages = Outages(logging.getLogger('outages'), lambda: now)
    for number in range(1_000):
        outages.warn(StorageUnavailable(f'away {number}'), 'GET /a')
    outages.warn(BacklogFull('full'), 'GET /b')
    assert caplog.messages == ['GET /a: away 0', 'GET /b: full']
    now += QUIET
    outages.warn(StorageUnavailable('away again'), 'GET /c')
    now += QUIET
    outages.warn(StorageUnavailable('still away'), 'GET /d')
    assert caplog.messages[2:] == [
        'GET /c: away again (and 999 times more since this was told last)',
        'GET /d: still away',
    ]
