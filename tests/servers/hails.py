"""A hail server in this process, on the bundled engine."""

from __future__ import annotations

from hailwhale.access import Access
from hailwhale.gathering import Gathering
from hailwhale.hail import Hail
from hailwhale.keyrings import Keyrings, keyring
from hailwhale.meters import Meters
from hailwhale.servers.hail_server import hail_routes
from hailwhale.servers.ops import Watch, ops_routes
from hailwhale.servers.streams import Streams
from hailwhale.servers.web import Application
from hailwhale.servers.whale_server import whale_routes
from hailwhale.whale import Whale
from tests.servers.client import Client


class Served:
    """All routes, over one whale; with what they write into."""

    def __init__(self, whale: Whale, access: Access | None = None) -> None:
        settings = whale.settings
        self.whale = whale
        self.hail = Hail(whale)
        self.meters = Meters()
        self.keyrings = Keyrings(lambda: keyring(whale.storage, settings))
        self.watch = Watch(whale)
        self.streams = Streams(whale, meters=self.meters)
        gathering = Gathering(self.meters.measured(self.hail.push))
        self.routes = (
            *hail_routes(self.hail, gathering, keyrings=self.keyrings, meters=self.meters),
            *whale_routes(whale, self.hail, self.streams),
            *ops_routes(self.watch, self.meters),
        )
        self.app = Application(
            self.routes,
            cors=settings.cors,
            max_body=settings.max_body,
            max_inflated=settings.max_inflated,
            access=access,
            meters=self.meters,
        )
        self.client = Client(self.app)

    def waiting(self) -> list[str]:
        """The events that wait, shard by shard."""
        storage = self.whale.storage
        shards = [shard for shard, count in enumerate(storage.backlog()) if count]
        return [text.decode() for shard in shards for text in storage.waiting(shard, 100_000)[1]]
