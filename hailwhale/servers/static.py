"""The page and its files, out of the package."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable

from hailwhale.servers.params import NotFound, shown
from hailwhale.servers.web import Answer, Request

#: Only our own files; no script, style or frame of anybody else, nothing written into the page itself.
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"
#: What pages of other sites load: they may compare its bytes with what their tag says of them.
PUBLIC = frozenset(
    {
        *('count.js', 'count.mjs'),
        *('graph.js', 'table_graph.js', 'hailwhale.js', 'hailwhale.iife.js', 'jquery.hailwhale.js'),
    }
)
_FOR_ANY_PAGE = {'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin'}
#: Kept by browsers, but asked for each time: a new version is seen at once.
_ASK_EACH_TIME = 'no-cache'

_TYPES = {
    'css': 'text/css; charset=utf-8',
    'html': 'text/html; charset=utf-8',
    'ico': 'image/x-icon',
    'js': 'text/javascript; charset=utf-8',
    'json': 'application/json',
    'map': 'application/json',
    'mjs': 'text/javascript; charset=utf-8',
    'png': 'image/png',
    'svg': 'image/svg+xml',
    'ts': 'text/plain; charset=utf-8',
    'txt': 'text/plain; charset=utf-8',
    'webmanifest': 'application/manifest+json',
    'woff2': 'font/woff2',
}


class Static:
    """The files of a folder of a package, each by its name; folders within are not looked into."""

    def __init__(self, package: str, folder: str) -> None:
        self._folder = files(package) / folder

    def page(self, _: Request) -> Answer:
        """The page itself."""
        return self._file('index.html', 'the page is not built: run make page')

    def text(self, name: str) -> str:
        """The text of a file that others fill in."""
        return self._file(name, 'it is not built: run make page').body.decode()

    def named(self, name: str) -> Callable[[Request], Answer]:
        """What answers with one file; what a request gives besides is for the file itself to read."""
        return lambda _: self._file(name, 'it is not built: run make page')

    def file(self, request: Request) -> Answer:
        """A file beside it."""
        return self._file(request.named['name'], 'the page names its files')

    def _file(self, name: str, otherwise: str) -> Answer:
        # Compared with what is there, never joined to a path: '..' is no file's name.
        found = [entry for entry in self._entries() if entry.name == name]
        if not found:
            raise NotFound(f'no such file: {shown(name)} ({otherwise})')
        kind = _TYPES.get(name.rpartition('.')[2], 'application/octet-stream')
        headers = {'Content-Security-Policy': POLICY, 'Referrer-Policy': 'same-origin'}
        if name in PUBLIC:
            headers |= _FOR_ANY_PAGE
        return Answer(found[0].read_bytes(), kind, _ASK_EACH_TIME, headers=headers)

    def _entries(self) -> list[Traversable]:
        return [entry for entry in self._folder.iterdir() if entry.is_file()] if self._folder.is_dir() else []
