"""``hailwhale verify``: a line for each thing that does not agree, and the exit code that says so."""

from __future__ import annotations

from argparse import ArgumentParser

import pytest

from hailwhale import Whale
from hailwhale.cli import verifying
from hailwhale.cli.options import COUNTING, add_settings
from hailwhale.storage import audits, keys, shard_of
from tests.engines import Server


def run(url: str, *words: str) -> int:
    parser = ArgumentParser()
    verifying.verify_options(parser)
    add_settings(parser, 'url', 'home', *COUNTING)
    arguments = parser.parse_args(['--url', url, *words])
    code = arguments.run(arguments)
    assert isinstance(code, int)
    return code


@pytest.fixture
def key(embedded_url: str) -> str:
    with Whale(embedded_url) as whale:
        whale.count_now(['shop', 'tea'], 'UK')
        slot = whale.kept.slots(int(whale.clock()), int(whale.clock()))[0]
    return keys.counters_key(shard_of(('shop',)), slot.name, 'shop/tea:', 'hits')


def test_where_all_is_well_nothing_is_printed_and_it_exits_with_0(
    embedded_url: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert key
    assert run(embedded_url) == 0
    out, err = capsys.readouterr()
    assert out == ''
    assert err.endswith(' sums compared, 0 do not agree\n')
    assert run(embedded_url, '--progress') == 0


def test_what_does_not_agree_is_a_line_and_it_exits_with_1(
    embedded_server: Server, embedded_url: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    embedded_server.nodes[0].persist(key)
    assert run(embedded_url, '--pk', '["shop", "tea"]') == 1
    assert capsys.readouterr().out == f"expiry: ['shop', 'tea'] _ hits {key}: never ends\n"
    assert run(embedded_url, '--pk', 'other') == 0


def test_progress_is_told_on_the_way(
    embedded_url: str, key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert key
    monkeypatch.setattr(verifying, '_PAUSE', 0)
    monkeypatch.setattr(audits, '_KEYS_AT_ONCE', 1)
    assert run(embedded_url, '--progress') == 0
    assert capsys.readouterr().err.count('sums compared\n') >= 1
