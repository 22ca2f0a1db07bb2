"""Methods that work on an instance and on the class.

``Whale(url).count_now(...)`` counts on the engine of that instance.  ``Whale.count_now(...)``, as application code
writes it, counts on one default instance, which is made from the settings at first use.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

Owner = TypeVar('Owner', bound='HasDefault')
P = ParamSpec('P')
R = TypeVar('R')

_lock = threading.RLock()


class HasDefault:
    """A class with one default instance, made at first use; `use` puts another in its place."""

    _default: HasDefault | None = None

    @classmethod
    def default(cls: type[Owner]) -> Owner:
        """The instance on which calls on the class work."""
        with _lock:
            found = cls.__dict__.get('_default')
            if not isinstance(found, cls):
                found = cls()
                cls._default = found
            return found

    @classmethod
    def use(cls: type[Owner], instance: Owner | None) -> None:
        """Make ``instance`` the default one; None: make a new one from the settings at the next use."""
        with _lock:
            cls._default = instance


class shared(Generic[Owner, P, R]):  # noqa: N801 - a decorator
    """A method that, called on the class, works on its default instance."""

    def __init__(self, function: Callable[Concatenate[Owner, P], R]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type] # it serves for its names alone

    def __get__(self, instance: Owner | None, owner: type[Owner]) -> Callable[P, R]:
        found: Any = owner.default() if instance is None else instance
        return self.function.__get__(found, owner)  # type: ignore[no-any-return]
