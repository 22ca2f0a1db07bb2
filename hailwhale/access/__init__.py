"""Who may write, read and administer: keys, and what they are asked for.

`Access` is what servers ask; `Keys` makes, rotates and revokes; `check_start` keeps a server from being open by
accident.
"""

from hailwhale.access.graphs import Asked, Graph
from hailwhale.access.keys import SCOPES, Key, Keys, Made
from hailwhale.access.local import check_start
from hailwhale.access.permits import OUTAGE, REFRESH, Access, Grant, Mode, Scope

__all__ = [
    'OUTAGE',
    'REFRESH',
    'SCOPES',
    'Access',
    'Asked',
    'Grant',
    'Graph',
    'Key',
    'Keys',
    'Made',
    'Mode',
    'Scope',
    'check_start',
]
