"""``hailwhale serve`` and ``hailwhale demo``: over HTTP, until they are stopped."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace

from hailwhale.cli.filling import no_collector
from hailwhale.cli.options import given_settings, note, positive, settings_of
from hailwhale.cli.progress import Bar
from hailwhale.errors import SettingsError
from hailwhale.settings import SETTINGS, Settings

#: Not the secret: everybody on the machine may read what stands on a command line.
_SERVING = tuple(setting.name for setting in SETTINGS if setting.name != 'secret')
_ALL = ('hail', 'whale', 'drain')
_DEMO = ('host', 'port', 'cors', 'max_body', 'cache_seconds', 'timeout')


def _server_options(parser: ArgumentParser) -> None:
    parser.add_argument('--workers', type=positive, default=1, metavar='N', help='processes that share the port; 1')
    parser.add_argument(
        '--open',
        action='store_true',
        help='let in whoever reaches the port, without a key',
    )
    parser.add_argument('--access-log', action='store_true', help='log each request to standard error')


def serve_options(parser: ArgumentParser) -> None:
    """The options of ``serve``."""
    _server_options(parser)
    parser.set_defaults(run=serve, parts=_ALL, settings=_SERVING)


def hail_options(parser: ArgumentParser) -> None:
    """The options of ``hail``."""
    _server_options(parser)
    parser.set_defaults(run=serve, parts=('hail',), settings=_SERVING)


def whale_options(parser: ArgumentParser) -> None:
    """The options of ``whale``."""
    _server_options(parser)
    parser.set_defaults(run=serve, parts=('whale',), settings=_SERVING)


def serve(arguments: Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    return _serve(settings_of(arguments), arguments, lambda address: print(f'HailWhale at {address}', flush=True))


def _serve(settings: Settings, arguments: Namespace, ready: Callable[[str], object]) -> int:
    import logging

    from hailwhale.wsgi import serve_parts

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format='%(asctime)s %(levelname)s %(message)s')
    return serve_parts(
        settings,
        arguments.parts,
        workers=arguments.workers,
        open=arguments.open,
        ready=ready,
        access_log=arguments.access_log,
    )


def demo_options(parser: ArgumentParser) -> None:
    """The options of ``demo``."""
    _server_options(parser)
    parser.add_argument('--again', action='store_true', help='count the flights anew, whatever has been counted')
    parser.add_argument('--no-serve', dest='serves', action='store_false', help='count the flights, and end')
    parser.set_defaults(run=demo, parts=_ALL, settings=_DEMO)


def demo(arguments: Namespace) -> int:
    """Count a year of flights into an engine of their own, and serve them."""
    settings = _demo_settings(arguments)
    if not arguments.serves:
        _count_flights(settings, again=arguments.again)
        return 0
    # In a process of its own: the server has to be the first in its process to open sockets.
    command = [sys.executable, '-m', 'hailwhale', 'demo', '--no-serve', '--home', str(settings.home)]
    code = subprocess.call([*command, '--again'] if arguments.again else command)
    return code or _serve(settings, arguments, _invite)


def _demo_settings(arguments: Namespace) -> Settings:
    """Settings that differ from everybody's own: the demo's counters never mix with real ones."""
    from hailwhale.demo import ZONE

    given = given_settings(arguments)
    if 'url' in given:
        raise SettingsError('the demo has an engine of its own: leave --url out (--home says where)', field='url')
    own = Settings.load(**given)
    home = own.home if 'home' in given else own.home / 'demo'
    fixed = Settings.load({}, home=home, zones=[ZONE])
    return replace(fixed, **{name: getattr(own, name) for name in _DEMO})


def _count_flights(settings: Settings, *, again: bool) -> None:
    from hailwhale.demo import count_flights
    from hailwhale.whale import Whale

    with Whale(settings=settings) as whale, Bar('counting a year of flights', always=True) as bar, no_collector():
        imported = count_flights(whale, again=again, progress=bar.show)
    if imported.counted:
        note(f'counted {imported.counted:,} flights')
    else:
        note(f'{imported.before:,} flights were counted before (--again counts them anew)')


def _invite(address: str) -> None:
    from hailwhale.demo import QUESTIONS

    print(f'\nHailWhale with a year of flights from New York: {address}\n\nThree questions to try:')
    for question, path in QUESTIONS:
        print(f"\n  {question}\n  curl -g '{address.rstrip('/')}{path}'")
    print('\nCtrl-C ends it.', flush=True)
