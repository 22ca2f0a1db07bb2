"""Every error that HailWhale raises, in one tree.

::

    HailWhaleError
    ├── InvalidInput (also a ValueError)   what the caller gave cannot be read
    │   ├── InvalidPath        a pk or a name in one
    │   ├── InvalidDimensions  the shape of an event's dimensions
    │   ├── InvalidMetric      a metric's name
    │   ├── InvalidAmount      a metric's amount
    │   ├── InvalidFormula     a formula over metrics
    │   ├── InvalidPeriod      an interval, a length, a period
    │   ├── InvalidTime        when an event happened
    │   ├── InvalidZone        a time zone
    │   ├── InvalidText        a value that neither JSON nor the lenient reader understands
    │   └── LimitExceeded      well formed, but more than is allowed
    ├── Unanswerable           a question that the kept counters cannot answer exactly
    ├── MissingLibrary         what was asked for needs a library that is not installed
    ├── SettingsError          a setting with a value that cannot be used
    ├── TooManyStreams         as many streams are open as may
    ├── AccessError            not for whoever asked
    │   ├── Unauthorized       no key, or one that is not known (any more)
    │   ├── Forbidden          a key that is not for this
    │   ├── TooManyRequests    more than the key's rate
    │   └── TokenRefused       a sealed token that does not hold, or does not hold any more
    └── StorageError           the engine
        ├── StorageUnavailable cannot be reached, or is still loading
        ├── StorageRefused     answered no: full, read-only, a foreign key's type
        │   └── CounterFull    a counter would leave its 64-bit range
        ├── StorageConflict    others wrote the same counters in every one of our attempts
        └── BacklogFull        as many events wait to be drained as may

A message names the value and the way out.  ``field`` names the argument at fault, where there is one.
"""

from __future__ import annotations


class HailWhaleError(Exception):
    """What all errors of this library are.

    ``message`` is made for people, ``code`` for programs: it never changes for one kind of error.
    """

    code = 'error'

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(HailWhaleError, ValueError):
    """What the caller gave cannot be read; nothing was counted."""

    code = 'invalid_input'


class InvalidPath(InvalidInput):
    """A pk, or a name within a path, that cannot be counted under."""

    code = 'invalid_path'


class InvalidDimensions(InvalidInput):
    """Dimensions of a shape that events cannot have."""

    code = 'invalid_dimensions'


class InvalidMetric(InvalidInput):
    """A name that a metric cannot have."""

    code = 'invalid_metric'


class InvalidAmount(InvalidInput):
    """An amount that is no exact decimal within the range of a counter."""

    code = 'invalid_amount'


class InvalidFormula(InvalidInput):
    """A formula that cannot be read."""

    code = 'invalid_formula'


class InvalidPeriod(InvalidInput):
    """An interval, a length of time or a period that cannot be read."""

    code = 'invalid_period'


class InvalidTime(InvalidInput):
    """A moment that cannot be read, or that no kept counter covers."""

    code = 'invalid_time'


class InvalidZone(InvalidInput):
    """A time zone that the zone database does not know."""

    code = 'invalid_zone'


class InvalidText(InvalidInput):
    """A text that is not the JSON, or the lenient spelling of it, that it should be."""

    code = 'invalid_text'


class LimitExceeded(InvalidInput):
    """Well formed, but larger, deeper or more than is allowed."""

    code = 'limit_exceeded'


class Unanswerable(HailWhaleError):
    """A question that the kept counters cannot answer exactly; the message says what would."""

    code = 'unanswerable'


class MissingLibrary(HailWhaleError):
    """What was asked for needs a library that is not installed."""

    code = 'not_built'


class SettingsError(HailWhaleError):
    """A setting with a value that cannot be used."""

    code = 'invalid_setting'


class TooManyStreams(HailWhaleError):
    """As many streams are open in this process as may; the same call may work later."""

    code = 'too_many_streams'


class AccessError(HailWhaleError):
    """What was asked for is not for whoever asked; nothing was done."""

    code = 'access_error'


class Unauthorized(AccessError):
    """No key was given, or one that is not known, or not any more."""

    code = 'unauthorized'


class Forbidden(AccessError):
    """The key is known, and not for this: another scope, pk or origin."""

    code = 'forbidden'


class TooManyRequests(AccessError):
    """More than the rate of the key allows; ``retry_after`` is in seconds."""

    code = 'too_many_requests'

    def __init__(self, message: str, *, retry_after: int, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.retry_after = retry_after


class TokenRefused(AccessError):
    """A sealed token that does not hold.

    ``reason`` (``forged``, ``foreign``, ``expired``, ``used_up``, ``bounds``, ``origin``) is for counters and logs;
    whoever sent the token is told no more than that it was refused.
    """

    code = 'token_refused'

    def __init__(self, reason: str) -> None:
        super().__init__('the token was refused (have a new one made)', field='token')
        self.reason = reason


class StorageError(HailWhaleError):
    """The engine did not do what it was asked."""

    code = 'storage_error'


class StorageUnavailable(StorageError):
    """The engine cannot be reached, or is not ready; the same call may work later."""

    code = 'storage_unavailable'


class StorageRefused(StorageError):
    """The engine answered no: it is full, read-only, or holds something else under the key."""

    code = 'storage_refused'


class CounterFull(StorageRefused):
    """A counter would leave its 64-bit range; nothing was counted."""

    code = 'counter_full'


class StorageConflict(StorageError):
    """Others changed the same counters during every one of our attempts."""

    code = 'storage_conflict'


class BacklogFull(StorageError):
    """As many events wait to be drained as may; nothing was kept, and the same call may work later."""

    code = 'backlog_full'
