"""Importing rows of files: `Source` says where they are, `Layout` how a row becomes an event, `Import` counts them.

>>> from pathlib import Path
>>> from hailwhale import Whale
>>> layout = Layout(pk=['sales', '{shop}'], metrics={'revenue': '{price}'}, at='{day}')
>>> Import(Whale(), Source(Path('sales.csv')), layout).run().counted      # doctest: +SKIP
1000
"""

from __future__ import annotations

from hailwhale.importing.imports import INCREMENTS, BadRow, Import, Imported, day_of, latest, mark_of
from hailwhale.importing.sources import Source
from hailwhale.importing.templates import Layout

__all__ = ['INCREMENTS', 'BadRow', 'Import', 'Imported', 'Layout', 'Source', 'day_of', 'latest', 'mark_of']
