"""Who may do what, at the speed of a dictionary: asked with every request."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from hailwhale.access.graphs import Asked
from hailwhale.access.keys import GRAPH, Key, Secret, id_of
from hailwhale.access.local import check_host, check_page
from hailwhale.access.rates import Rates
from hailwhale.errors import Forbidden, StorageError, StorageRefused, StorageUnavailable, Unauthorized
from hailwhale.paths import Path, path_name
from hailwhale.storage import Storage, access
from hailwhale.times import shown

#: ``graph`` is what a key for one graph may do, and whoever may read.
Scope = Literal['read', 'write', 'admin', 'graph']
Mode = Literal['open', 'keyed', 'local']

#: Seconds after which the keys are looked at again: so long a new one is unknown, and a revoked one goes on.
REFRESH = 3.0
#: Seconds after the last look for which known keys go on while the engine is away.
OUTAGE = 600.0
#: Seconds between two notes that one key is used.
MARK_EVERY = 60.0
#: Answers remembered between two looks.
_REMEMBERED = 10_000

_log = logging.getLogger(__name__)


class Grant:
    """What whoever asked may do; without a key, everything."""

    __slots__ = ('_clock', '_key', '_rates', 'key_id', 'until')

    def __init__(
        self,
        key: Key | None = None,
        rates: Rates | None = None,
        until: float = math.inf,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.key_id = key.id if key else None
        self.until = until  #: when it is to be asked for again, in epoch seconds
        self._key = key
        self._rates = rates
        self._clock = clock

    def __repr__(self) -> str:
        return f'Grant({self.key_id!r}, until={self.until})'

    @property
    def origins(self) -> tuple[str, ...]:
        """The pages that the key is for; none: it is not for pages."""
        return self._key.origins if self._key else ()

    @property
    def has_rate(self) -> bool:
        """Whether `spend` asks the engine."""
        return self._key is not None and self._key.rate is not None

    def check(self, pk: Path, *, below: bool = False) -> None:
        """Raise `Forbidden` for a pk that the key is not for; with ``below``, unless it is for all below it as well.

        ``()`` stands for all pks at once.
        """
        key = self._key
        if key is not None and not key.pks.match(pk, below=below):
            what = f'pk {shown(path_name(pk))}{" and all below it" if below else ""}' if pk else 'all pks at once'
            raise Forbidden(f'the key hw_{key.id} is for {key.pks}, not for {what} (use another key)', field='pk')

    def check_below(self, pk: Path) -> None:
        """Raise `Forbidden` unless the key is for that pk or for any below it; ``()`` lies above all pks."""
        key = self._key
        if key is not None and not self.shows(pk):
            below = f'nothing below pk {shown(path_name(pk))}'
            raise Forbidden(f'the key hw_{key.id} is for {key.pks}, and for {below} (use another key)', field='pk')

    def topmost(self) -> list[Path]:
        """The pks that the key is for, without those below another one of them; ``[()]`` is all there are."""
        return [()] if self._key is None else self._key.pks.topmost()

    def is_for(self, pk: Path) -> bool:
        """Whether the key is for that pk."""
        return self._key is None or self._key.pks.match(pk)

    def shows(self, pk: Path) -> bool:
        """Whether the key is for that pk, or for any below it."""
        return self.is_for(pk) or (self._key is not None and self._key.pks.lead_below(pk))

    def check_graph(self, asked: Asked) -> None:
        """Raise `Forbidden` for a question that is none of the graph's, where the key is for one."""
        key = self._key
        if key is None or key.graph is None:
            return
        try:
            key.graph.check(asked, int(self._clock()))
        except Forbidden as error:
            raise _not_of_graph(key, error.message, error.field) from error

    def spend(self, n: int) -> None:
        """Take ``n`` events or questions of the key's rate, all or none.

        One round trip to the engine where the key has a rate, else nothing.  Raises `TooManyRequests`, and
        `StorageUnavailable` when nobody can tell what is left.
        """
        key = self._key
        if key is not None and key.rate is not None and self._rates is not None:
            self._rates.spend(key.id, key.rate, n)


@dataclass(slots=True)
class _Look:
    """The keys as they were looked at, and the answers that follow from them."""

    keys: dict[str, Key] | None = None  #: None: never seen
    seen: float = -math.inf  #: when the engine told them
    since: float = -math.inf  #: when it was asked
    until: float = -math.inf  #: when it is to be asked again
    error: StorageError | None = None  #: why it told nothing
    answers: dict[tuple[object, ...], Grant] = field(default_factory=dict)

    @property
    def holds(self) -> float:
        """Until when answers that follow from it may be given without looking again."""
        return min(self.until, self.seen + OUTAGE)

    def is_due(self, now: float) -> bool:
        # A clock that was set back would else stop all looking for as long.
        return not self.since <= now < self.until


class Access:
    """Asks who may do what.  Safe for threads and greenlets; one a process.

    ``open``      nobody is asked
    ``local``     without keys, requests of this machine are let in; else none
    ``host``      the host that the server listens at, a name for this machine
    ``trusted``   origins whose pages may count and ask without keys, too (the setting ``cors``)

    The keys are looked at again every `REFRESH` seconds, by one request; the others go on with those that are known.
    While the engine is away, known keys go on for `OUTAGE` seconds, and one that is not known is answered with
    `StorageUnavailable`.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Callable[[], float],
        *,
        open: bool,
        local: bool,
        host: str = '',
        trusted: Collection[str] = (),
    ) -> None:
        self._engine = storage.engine
        self._clock = clock
        self._open = open
        self._local = local
        self._host = host
        self._trusted = frozenset(trusted)
        self._anybody = Grant()
        self._rates = Rates(storage.engine)
        self._look = _Look()
        self._looking = threading.Lock()
        self._marked: dict[str, float] = {}
        self._marking: list[threading.Thread] = []

    @property
    def mode(self) -> Mode:
        """``open``: nobody is asked; ``keyed``: a key is needed; ``local``: requests of this machine are let in.

        Raises `StorageUnavailable` when the engine cannot tell whether there are keys.
        """
        if self._open:
            return 'open'
        return 'keyed' if not self._local or self.has_keys else 'local'

    @property
    def has_keys(self) -> bool:
        """Whether there is any key, were it expired.  Raises `StorageUnavailable`."""
        return bool(self._known(self._clock()).keys)

    def permit(
        self,
        key: str | None,
        scope: Scope,
        *,
        origin: str | None = None,
        cross_site: bool = False,
        host: str | None = None,
    ) -> Grant:
        """What whoever asks may do within a scope.

        ``key``          its text, as it was given
        ``origin``       of the page that asks, ``https://example.org``, from ``Origin`` or ``Referer``
        ``cross_site``   ``Sec-Fetch-Site`` says that it is a page of another site
        ``host``         the header of that name

        Raises `Unauthorized`, `Forbidden`, and `StorageUnavailable` when the engine cannot tell.
        """
        grant = self.permitted(key, scope, origin=origin, cross_site=cross_site, host=host)
        if grant is not None:
            return grant
        now = self._clock()
        look = self._known(now)
        if self._local and not look.keys:
            check_host(host, self._host)
            check_page(origin, cross_site=cross_site, host=host, trusted=() if scope == 'admin' else self._trusted)
            grant = Grant(until=look.holds)
        else:
            grant = self._grant(look, key, scope, origin, host, now)
        if len(look.answers) >= _REMEMBERED:
            look.answers.clear()
        look.answers[key, scope, origin, cross_site, host] = grant
        return grant

    def permitted(
        self,
        key: str | None,
        scope: Scope,
        *,
        origin: str | None = None,
        cross_site: bool = False,
        host: str | None = None,
    ) -> Grant | None:
        """As `permit` where that is known by now, else None.  Never waits for anything."""
        if self._open:
            return self._anybody
        look = self._look
        grant = look.answers.get((key, scope, origin, cross_site, host))
        if grant is not None and look.since <= self._clock() < grant.until:
            return grant
        return None

    def origins(self, text: str | None) -> tuple[str, ...]:
        """The pages that a key is for, whatever it may do; none for a text that is no key's."""
        if self._open or text is None:
            return ()
        try:
            return _find(self._known(self._clock()), text)[0].origins
        except (Unauthorized, StorageError):
            return ()

    def close(self) -> None:
        """Wait until it is noted which keys were used."""
        for thread in self._marking:
            thread.join()

    # -- looking at the keys -----------------------------------------------------------------------------------------

    def _known(self, now: float) -> _Look:
        """The keys, no older than they may be."""
        look = self._look
        if look.is_due(now):
            # The keys of an hour ago are of no use to those who come while one looks.
            too_old = look.error is None and now - look.seen > 2 * REFRESH
            if self._looking.acquire(blocking=too_old or look.keys is None):
                try:
                    look = self._look_again()
                finally:
                    self._looking.release()
        if look.keys is None or now - look.seen > OUTAGE:
            raise _away(look.error)
        return look

    def _look_again(self) -> _Look:
        look = self._look
        # Meanwhile another may have looked, and waited long for an engine that is away.
        if look.is_due(self._clock()):
            keys, seen, error = look.keys, look.seen, None
            try:
                keys, seen = _keys(access.read_keys(self._engine)), self._clock()
            except StorageError as cause:
                error = cause
                _log.warning('the access keys cannot be read: %s', cause.message)
            now = self._clock()
            look = self._look = _Look(keys, seen, now, now + REFRESH, error)
        return look

    # -- judging a key -----------------------------------------------------------------------------------------------

    def _grant(
        self, look: _Look, text: str | None, scope: Scope, origin: str | None, host: str | None, now: float
    ) -> Grant:
        may = _as_made(scope)
        if text is None:
            raise Unauthorized(
                f"a key is needed that may {may} (give it as 'Authorization: Bearer hw_...' or as the parameter key; "
                f'hailwhale key create --scope {may} makes one)',
                field='key',
            )
        key, secret = _find(look, text)
        ends = _end(key, secret, now)
        if not key.may(scope):
            if key.graph:
                raise _not_of_graph(key, f'what takes a key that may {scope}', 'key')
            raise Forbidden(
                f'the key hw_{key.id} may {key.scope}, not {may} (hailwhale key create --scope {may} makes one '
                'that may)',
                field='key',
            )
        # A graph that another page frames asks from a page of ours, and who may frame that one is said there.
        if not (key.graph and _is_own(origin, host)):
            _check_origin(key, origin)
        self._mark(key.id, now)
        return Grant(key, self._rates, min(look.holds, ends), self._clock)

    def _mark(self, key_id: str, now: float) -> None:
        """Note that a key is used, not in the way of the request that uses it."""
        if abs(now - self._marked.get(key_id, -math.inf)) < MARK_EVERY:
            return
        self._marked[key_id] = now
        thread = threading.Thread(target=self._write_mark, args=(key_id, int(now)), daemon=True)
        self._marking = [each for each in self._marking if each.is_alive()]
        thread.start()
        self._marking.append(thread)

    def _write_mark(self, key_id: str, now: int) -> None:
        try:
            access.mark_used(self._engine, {key_id: now})
        except StorageError as error:
            _log.warning('that the key hw_%s is used cannot be noted: %s', key_id, error.message)


def _keys(texts: dict[str, str]) -> dict[str, Key]:
    """The keys that can be read: one that was damaged lets nobody in, and keeps nobody out."""
    keys = {}
    for name, text in texts.items():
        try:
            keys[name] = Key.read(name, text)
        except StorageRefused as error:
            _log.error('%s', error.message)
    return keys


def _away(error: StorageError | None) -> StorageUnavailable:
    cause = error.message if error else 'the engine is away'
    return StorageUnavailable(f'nobody can tell who may do this: {cause}')


def _find(look: _Look, text: str) -> tuple[Key, Secret]:
    name = id_of(text)
    if name is None:
        raise Unauthorized(
            'not the text of a key: that is hw_, 8 letters and digits, _ and 43 more (copy the whole of it)',
            field='key',
        )
    key = (look.keys or {}).get(name)
    secret = key.secret_of(text) if key else None
    if key is None or secret is None:
        if look.error is not None:
            raise _away(look.error)
        # The same for a wrong secret as for no such id.
        raise Unauthorized(
            f'the key hw_{name}_... is not known here, or not any more (hailwhale key list shows those that are)',
            field='key',
        )
    return key, secret


def _end(key: Key, secret: Secret, now: float) -> float:
    """When a key with this secret ends.  Raises `Unauthorized` when it has ended."""
    if key.expires is not None and now >= key.expires:
        raise Unauthorized(
            f'the key hw_{key.id} expired on {_moment(key.expires)} (hailwhale key create makes another)', field='key'
        )
    if secret.until is not None and now >= secret.until:
        raise Unauthorized(
            f'the key hw_{key.id} was rotated, and this text of it ended on {_moment(secret.until)} (use the new one)',
            field='key',
        )
    return min(math.inf if each is None else each for each in (key.expires, secret.until))


def _as_made(scope: Scope) -> str:
    """The scope that a key is made with; of keys for one graph we do not speak to those who have none."""
    return 'read' if scope == GRAPH else scope


def _is_own(origin: str | None, host: str | None) -> bool:
    return origin is not None and origin.partition('://')[2] == (host or '').lower()


def _not_of_graph(key: Key, what: str, field: str | None) -> Forbidden:
    return Forbidden(
        f'the key hw_{key.id} shows one graph, {shown(str(key.graph))}, not {what} (hailwhale key create --scope read '
        'makes one that may read)',
        field=field,
    )


def _check_origin(key: Key, origin: str | None) -> None:
    if key.origins and origin not in key.origins:
        who = (
            f'a page of {shown(origin)}' if origin else 'a request that names no page, with neither Origin nor Referer'
        )
        raise Forbidden(
            f'the key hw_{key.id} is for pages of {" ".join(key.origins)}, not for {who} (a server needs a key without '
            'origins)',
            field='origin',
        )


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime('%Y-%m-%d %H:%M:%S UTC')
