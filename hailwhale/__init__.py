"""HailWhale counts things in real time, and answers totals, graphs and rankings in milliseconds.

The public names are here; each part is imported when one of its names is first used, so that importing the
package costs an application next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from hailwhale import parts
from hailwhale.errors import (
    AccessError,
    BacklogFull,
    CounterFull,
    Forbidden,
    HailWhaleError,
    InvalidAmount,
    InvalidDimensions,
    InvalidFormula,
    InvalidInput,
    InvalidMetric,
    InvalidPath,
    InvalidPeriod,
    InvalidText,
    InvalidTime,
    InvalidZone,
    LimitExceeded,
    MissingLibrary,
    SettingsError,
    StorageConflict,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    TokenRefused,
    TooManyRequests,
    TooManyStreams,
    Unanswerable,
    Unauthorized,
)

parts.register('decided_event', 'hailwhale.decisions.counting:decided_event')
parts.register('deciding', 'hailwhale.decisions.deciding:Deciding')
parts.register('results', 'hailwhale.experiments.results:results')

if TYPE_CHECKING:
    from hailwhale.hail import Hail
    from hailwhale.hailwhale import HailWhale
    from hailwhale.periods import Period
    from hailwhale.pixels import Pixel
    from hailwhale.whale import Whale

    __version__: str
else:
    _HOMES = {
        'Hail': 'hailwhale.hail',
        'HailWhale': 'hailwhale.hailwhale',
        'Period': 'hailwhale.periods',
        'Pixel': 'hailwhale.pixels',
        'Whale': 'hailwhale.whale',
    }

    # Type checkers must not see it: they would take it to mean that every name exists.
    def __getattr__(name: str) -> object:
        if name == '__version__':
            value = import_module('importlib.metadata').version('hailwhale')
        elif name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    'AccessError',
    'BacklogFull',
    'CounterFull',
    'Forbidden',
    'Hail',
    'HailWhale',
    'HailWhaleError',
    'InvalidAmount',
    'InvalidDimensions',
    'InvalidFormula',
    'InvalidInput',
    'InvalidMetric',
    'InvalidPath',
    'InvalidPeriod',
    'InvalidText',
    'InvalidTime',
    'InvalidZone',
    'LimitExceeded',
    'MissingLibrary',
    'Period',
    'Pixel',
    'SettingsError',
    'StorageConflict',
    'StorageError',
    'StorageRefused',
    'StorageUnavailable',
    'TokenRefused',
    'TooManyRequests',
    'TooManyStreams',
    'Unanswerable',
    'Unauthorized',
    'Whale',
    '__version__',
]
