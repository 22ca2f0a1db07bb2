"""Access keys: what one is for, and making, rotating and revoking them.

A key's text is ``hw_ID_SECRET``: eight characters that lists and logs show, and a secret of 256 random bits.  The store
has its SHA-256 alone.  A slow hash would protect passwords, which people choose and a thief of the store can guess;
2^256 secrets nobody can guess, however fast the hash.  The text itself is answered once, when it is made, and kept
nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hailwhale.access.graphs import Graph
from hailwhale.access.patterns import Pattern, Patterns
from hailwhale.access.rates import Rate, open_windows
from hailwhale.errors import InvalidInput, StorageConflict, StorageRefused
from hailwhale.lengths import Last
from hailwhale.storage import Storage, access
from hailwhale.times import shown

SCOPES = ('read', 'write', 'admin')
#: The scope of keys that show one graph: what such a key may is less than ``read``, and no part of it elsewhere.
GRAPH = 'graph'

_SECRET_ALPHABET = string.ascii_letters + string.digits
_ID_ALPHABET = string.ascii_lowercase + string.digits
_ID_LENGTH = 8
#: 62^43 is more than 2^256.  Letters and digits alone: a double click takes all of it, and no shell sees more in it.
_SECRET_LENGTH = 43
_TEXT = re.compile(f'hw_([a-z0-9]{{{_ID_LENGTH}}})_[A-Za-z0-9]{{{_SECRET_LENGTH}}}', re.ASCII)
_ORIGIN = re.compile(r'(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?', re.ASCII)
_USUAL_PORTS = {'http': ':80', 'https': ':443'}
_LONGEST_NOTE = 200


class Secret(NamedTuple):
    """One text of a key, hashed; ``until`` is when it ends, in epoch seconds, None where it goes on."""

    digest: str
    until: int | None

    def __repr__(self) -> str:
        return f'Secret(until={self.until})'


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key.  Moments are in epoch seconds."""

    id: str
    scope: str
    pks: Patterns
    origins: tuple[str, ...] = ()  #: the pages that it is for; () is anybody
    rate: Rate | None = None
    expires: int | None = None
    note: str = ''
    made: int = 0
    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    graph: Graph | None = None  #: all that it shows; None: whatever its scope and its pks let it

    @classmethod
    def read(cls, name: str, text: str) -> Key:
        """The key of this id as `written` wrote it.  Raises `StorageRefused` for anything else."""
        try:
            given = json.loads(text)
            return cls(
                name,
                given['scope'],
                Patterns(map(Pattern.parse, given['pk'])),
                tuple(given['origins']),
                Rate.parse(given['rate']) if given['rate'] else None,
                given['expires'],
                given['note'],
                given['made'],
                tuple(Secret(*each) for each in given['secrets']),
                Graph.read(given['graph']) if 'graph' in given else None,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as cause:
            raise StorageRefused(
                f'the access key {shown(name)} was damaged in the store (hailwhale key revoke)'
            ) from cause

    def written(self) -> str:
        """The key as the store keeps it."""
        return json.dumps(
            {
                'scope': self.scope,
                'pk': [str(pattern) for pattern in self.pks.all],
                'origins': self.origins,
                'rate': str(self.rate) if self.rate else None,
                'expires': self.expires,
                'note': self.note,
                'made': self.made,
                'secrets': self.secrets,
                **({'graph': self.graph.written()} if self.graph else {}),
            }
        )

    def secret_of(self, text: str) -> Secret | None:
        """The secret that a key's text has, found in a time that tells nothing of it."""
        digest = _digest(text)
        found = None
        for secret in self.secrets:
            if hmac.compare_digest(secret.digest, digest):
                found = secret
        return found

    def may(self, scope: str) -> bool:
        """Whether it may do such things; admin may do everything, and who may read may look at any graph."""
        return self.scope in (scope, 'admin') or (scope == GRAPH and self.scope == 'read')


def id_of(text: str) -> str | None:
    """The id within a key's text; None where it is no text of a key."""
    match = _TEXT.fullmatch(text)
    return match[1] if match else None


class Made(NamedTuple):
    """A new secret: the only time that its text is seen."""

    key: Key
    text: str

    def __repr__(self) -> str:
        return f'Made({self.key!r})'


class Keys:
    """The keys of a store, as whoever administers it sees them.

    ``clock`` answers epoch seconds.  Servers look at the keys every few seconds (`hailwhale.access.REFRESH`), so what
    is done here counts a little later.
    """

    def __init__(self, storage: Storage, clock: Callable[[], float]) -> None:
        self._engine = storage.engine
        self.clock = clock

    def create(
        self,
        scope: str,
        *,
        pks: Iterable[str] = ('*',),
        origins: Iterable[str] = (),
        rate: str | None = None,
        expires: str | None = None,
        note: str = '',
    ) -> Made:
        """Make a key.

        ``pks`` are patterns (`hailwhale.access.patterns`), ``expires`` is a length of time from now, such as ``90d``.
        Raises `InvalidInput` for what cannot be read, `SettingsError` for a rate without the library that rates need.
        """
        return self._make(_scope(scope), _patterns(pks), None, origins, rate, expires, note)

    def create_graph(
        self,
        graph: Graph,
        *,
        origins: Iterable[str] = (),
        rate: str | None = None,
        expires: str | None = None,
        note: str = '',
    ) -> Made:
        """Make a key that shows one graph and nothing else; the other arguments are those of `create`."""
        return self._make(GRAPH, Patterns([Pattern(graph.pk, below=False)]), graph, origins, rate, expires, note)

    def _make(
        self,
        scope: str,
        pks: Patterns,
        graph: Graph | None,
        origins: Iterable[str],
        rate: str | None,
        expires: str | None,
        note: str,
    ) -> Made:
        now = int(self.clock())
        limit = Rate.parse(rate) if rate else None
        if limit:
            open_windows(self._engine)
        key = Key(
            _random(_ID_ALPHABET, _ID_LENGTH),
            scope,
            pks,
            _origins(origins, scope),
            limit,
            None if expires is None else now + _length(expires, 'expires'),
            _note(note),
            now,
            graph=graph,
        )
        text = _text(key)
        key = replace(key, secrets=(Secret(_digest(text), None),))
        if not access.add_key(self._engine, key.id, key.written()):
            raise StorageConflict('the new key happened to get the id of another one (do it again)')
        return Made(key, text)

    def rotate(self, name: str, *, overlap: str = '24h') -> Made:
        """Make a new secret of a key; the one it has holds for ``overlap`` more, as do older ones as long as they would
        have.  ``'0'`` ends it now."""
        now, name = int(self.clock()), _id(name)
        before = self._text_of(name)
        key = Key.read(name, before)
        ends = now + (0 if overlap == '0' else _length(overlap, 'overlap'))
        old = [Secret(each.digest, ends if each.until is None else min(each.until, ends)) for each in key.secrets]
        text = _text(key)
        still = tuple(each for each in old if each.until is not None and each.until > now)
        key = replace(key, secrets=(Secret(_digest(text), None), *still))
        if not access.change_key(self._engine, name, key.written(), before=before):
            raise StorageConflict(f'somebody else has just changed the key {shown(name)} (hailwhale key list shows it)')
        return Made(key, text)

    def revoke(self, name: str) -> None:
        """Forget a key, whatever state it is in."""
        name = _id(name)
        self._text_of(name)
        access.delete_keys(self._engine, [name])

    def listed(self) -> list[tuple[Key, int | None]]:
        """Every key, the oldest first, and when it was last used."""
        found, used = self.read(), access.read_used(self._engine)
        # Whoever noted a use while its key was revoked has left that behind.
        access.delete_keys(self._engine, sorted(used.keys() - found.keys()))
        return [(key, used.get(key.id)) for key in sorted(found.values(), key=lambda key: (key.made, key.id))]

    def read(self) -> dict[str, Key]:
        """Every key, by id."""
        return {name: Key.read(name, text) for name, text in access.read_keys(self._engine).items()}

    def _text_of(self, name: str) -> str:
        found = access.read_keys(self._engine).get(name)
        if found is None:
            raise InvalidInput(f'no key has the id {shown(name)} (hailwhale key list shows all)', field='id')
        return found


def _random(alphabet: str, length: int) -> str:
    return ''.join(secrets.choice(alphabet) for _ in range(length))


def _text(key: Key) -> str:
    return f'hw_{key.id}_{_random(_SECRET_ALPHABET, _SECRET_LENGTH)}'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _id(text: str) -> str:
    """An id as people give it: alone, as messages write it, or within the whole key, of which no message may tell."""
    return text.removeprefix('hw_')[:_ID_LENGTH]


def _scope(text: str) -> str:
    if text not in SCOPES:
        raise InvalidInput(
            f'not a scope: {shown(text)} (write counts, read asks, admin does both and resets)', field='scope'
        )
    return text


def _patterns(texts: Iterable[str]) -> Patterns:
    patterns = Patterns(dict.fromkeys(map(Pattern.parse, texts)))
    if not patterns.all:
        raise InvalidInput("a key is for some pk at least (try '*' for all)", field='pk')
    return patterns


def _origins(texts: Iterable[str], scope: str) -> tuple[str, ...]:
    origins = tuple(dict.fromkeys(map(origin, texts)))
    if origins and scope == 'admin':
        raise InvalidInput(
            'what pages hold everybody can read: an admin key has no origins (leave them out)', field='origin'
        )
    return origins


def origin(text: str) -> str:
    """An origin as browsers write it.  Raises `InvalidInput` for a text that is none.

    >>> origin('https://Example.org:443/')
    'https://example.org'
    """
    match = _ORIGIN.fullmatch(text.strip().lower().removesuffix('/'))
    if match is None:
        raise InvalidInput(f'not an origin: {shown(text)} (try https://example.org)', field='origin')
    scheme, host, port = match.groups(default='')
    return f'{scheme}://{host}' + ('' if port == _USUAL_PORTS[scheme] else port)


def _length(text: str, field: str) -> int:
    try:
        return Last.parse(text).seconds
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field) from error


def _note(text: str) -> str:
    if len(text) > _LONGEST_NOTE:
        raise InvalidInput(f'a note of more than {_LONGEST_NOTE} characters', field='note')
    return text
