"""Objects that count: a mix-in for the models of an application, of Django or of anything else.

A product counts under ``['Product', 42]``, its class and its id, and under the objects that it names as related::

    class Product(WhaleMixin, models.Model):
        whale_related = ('seller',)

    product.count_now(metrics={'revenue': 5.25})      # counts for the product and for its seller
    product.totals(metrics=['revenue'], periods='1d:1mo')
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from hailwhale.errors import InvalidPath
from hailwhale.points import Number
from hailwhale.ranks import Row
from hailwhale.times import shown
from hailwhale.whale import Totals, Whale


class WhaleMixin:
    """Gives an object the methods of `Whale`, for its own pk.  Arguments after the pk are those of `Whale`."""

    #: The first segment of the pk; by default the name of the class.
    whale_name: ClassVar[str] = ''
    #: What tells objects of a class apart: the name of an attribute or method, or a function of the object.
    whale_id: ClassVar[str | Callable[[Any], object]] = 'id'
    #: Names of attributes or methods that hold objects, one or several each, that every event is counted for too.
    whale_related: ClassVar[tuple[str, ...]] = ()
    #: Where to count; by default the default whale.
    whale: ClassVar[Whale | None] = None

    def whale_pk(self) -> list[object]:
        """The pk under which the object counts.  Raises `InvalidPath` while it has no id."""
        source = type(self).whale_id
        found = _value(self, source) if isinstance(source, str) else source(self)
        name = self.whale_name or type(self).__name__
        if found is None:
            raise InvalidPath(f'{name} has no id to count under yet: {source!r} is None (save it first)', field='pk')
        return [name, found]

    def count_now(
        self,
        dimensions: object = None,
        metrics: object = None,
        at: object = None,
        *,
        id: str | None = None,
        **same: object,
    ) -> bool:
        """Count an event for the object, and for those related to it; False when ``id`` was counted for it before.

        One round trip each.  Raises `InvalidPath`, and counts nothing, where one of them cannot be counted under.
        """
        own = self.whale_pk()
        others = [(other, other.whale_pk()) for other in self._related()]
        counted = self._whale().count_now(own, dimensions, metrics, at, id=id, **same)
        for other, pk in others:
            other._whale().count_now(pk, dimensions, metrics, at, id=_own_id(id, pk), **same)
        return counted

    def update_count_to(
        self, dimensions: object = None, metrics: object = None, at: object = None, **same: object
    ) -> None:
        """Set levels of the object; see `Whale.update_count_to`."""
        self._whale().update_count_to(self.whale_pk(), dimensions, metrics, at, **same)

    def totals(self, *args: Any, **kwargs: Any) -> Totals:
        """Sums over whole periods; see `Whale.totals`."""
        return self._whale().totals(self.whale_pk(), *args, **kwargs)

    def plotpoints(self, *args: Any, **kwargs: Any) -> dict[str, dict[str, Any]]:
        """One value for each bucket of a period; see `Whale.plotpoints`."""
        return self._whale().plotpoints(self.whale_pk(), *args, **kwargs)

    def total(self, *args: Any, **kwargs: Any) -> Number:
        """One number; see `Whale.total`."""
        return self._whale().total(self.whale_pk(), *args, **kwargs)

    def today(self, *args: Any, **kwargs: Any) -> Number:
        """One number since midnight; see `Whale.today`."""
        return self._whale().today(self.whale_pk(), *args, **kwargs)

    def yesterday(self, *args: Any, **kwargs: Any) -> Number:
        """One number over the day before; see `Whale.yesterday`."""
        return self._whale().yesterday(self.whale_pk(), *args, **kwargs)

    def rank(self, *args: Any, **kwargs: Any) -> list[Row]:
        """What matters among the object's dimensions; see `Whale.rank`."""
        return self._whale().rank(self.whale_pk(), *args, **kwargs)

    def get_subdimensions(self, *args: Any, **kwargs: Any) -> list[list[str]]:
        """The dimensions directly below one; see `Whale.get_subdimensions`."""
        return self._whale().get_subdimensions(self.whale_pk(), *args, **kwargs)

    def all_subdimensions(self, *args: Any, **kwargs: Any) -> list[list[str]]:
        """The dimensions below one at every level; see `Whale.all_subdimensions`."""
        return self._whale().all_subdimensions(self.whale_pk(), *args, **kwargs)

    def reset_counts(self, *args: Any, **kwargs: Any) -> int:
        """Clear what was counted for the object; see `Whale.reset`."""
        return self._whale().reset(self.whale_pk(), *args, **kwargs)

    def _whale(self) -> Whale:
        return self.whale or Whale.default()

    def _related(self) -> Iterator[WhaleMixin]:
        for name in self.whale_related:
            found = _value(self, name)
            several = [found] if isinstance(found, WhaleMixin) else () if found is None else _several(found)
            for other in several:
                if not isinstance(other, WhaleMixin):
                    raise InvalidPath(f'{name!r} is related, but no WhaleMixin: {shown(other)}', field='pk')
                yield other


def _value(owner: object, name: str) -> Any:
    found = getattr(owner, name)
    return found() if callable(found) else found


def _several(found: Any) -> Iterable[object]:
    # Django's related managers list their objects by .all().
    return found.all() if hasattr(found, 'all') else found  # type: ignore[no-any-return]


def _own_id(id: str | None, pk: list[object]) -> str | None:
    """The event's id for a related object: another for each, since each counts the event once."""
    return None if id is None else hashlib.blake2s(repr((id, [str(part) for part in pk])).encode()).hexdigest()
