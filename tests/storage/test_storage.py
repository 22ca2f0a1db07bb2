"""The counters' front door: what it is told to keep, and whether it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hailwhale import storage
from hailwhale.errors import SettingsError, StorageRefused, StorageUnavailable
from hailwhale.storage import Storage, connect
from tests.engines import Server
from tests.storage.stores import dump


class TestIntervals:
    def test_a_new_store_counts_nothing(self, store: Storage) -> None:
        assert store.intervals() == {}

    def test_what_is_registered_is_known_to_all_writers(self, server: Server, store: Storage) -> None:
        kept = {'1m': ('1d', 0), '1d@Asia/Tokyo': ('1y', 5)}
        store.register(kept)
        assert connect(server.url, home=Path('unused')).intervals() == kept

    def test_what_is_known_stays_unless_it_is_replaced(self, store: Storage) -> None:
        store.register({'1m': ('1d', 0)})
        store.register({'1m': ('2d', 9), '1h': ('31d', 9)})
        assert store.intervals() == {'1m': ('1d', 0), '1h': ('31d', 9)}
        store.register({'1m': ('2d', 9)}, replace=True)
        assert store.intervals() == {'1m': ('2d', 9), '1h': ('31d', 9)}

    def test_the_store_says_which_format_it_has(self, server: Server, store: Storage) -> None:
        store.register({})
        assert dump(server)['hw:{0}:store'].value == {b'format': storage.FORMAT.encode()}

    def test_a_store_of_another_format_is_not_touched(self, store: Storage) -> None:
        store.register({'1m': ('1d', 0)})
        store.engine.ask(0, 'HSET', 'hw:{0}:store', 'format', '2')
        with pytest.raises(SettingsError, match="has format '2', and this release reads '1'"):
            store.intervals()

    @pytest.mark.parametrize('damage', ['garbage', '1d x', ''])
    def test_a_damaged_store_is_told_of(self, store: Storage, damage: str) -> None:
        store.engine.ask(0, 'HSET', 'hw:{0}:store', 'interval:1m', damage)
        with pytest.raises(StorageRefused, match="was damaged: its field 'interval:1m' is"):
            store.intervals()


def test_a_closed_store_opens_again_when_it_is_used(server: Server) -> None:
    again = connect(server.url, home=Path('unused'))
    again.ping()
    again.close()
    if not server.url.startswith('embedded'):
        again.ping()


def test_a_store_that_is_away_says_so(tmp_path: Path) -> None:
    away = connect(f'unix://{tmp_path}/none.sock', home=tmp_path, timeout=0.02)
    with pytest.raises(StorageUnavailable, match=r'none\.sock'):
        away.ping()
