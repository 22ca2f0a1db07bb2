"""A client that calls a WSGI application in this process, through the standard library's validator."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import quote
from wsgiref.validate import validator

Application = Callable[..., Iterable[bytes]]


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        error = self.json['error']
        assert set(error) == {'code', 'message', 'field'}
        return dict(error)


def environ(method: str, path: str, body: bytes = b'', **more: object) -> dict[str, Any]:
    """The environment of a request; what an address line may not hold is quoted, but for ``%`` and ``+``."""
    path, _, query = path.partition('?')
    return {
        'REQUEST_METHOD': method,
        'SCRIPT_NAME': '',
        'PATH_INFO': path.encode().decode('latin-1'),
        'QUERY_STRING': quote(query, safe='=&+%'),
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '8085',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'HTTP_HOST': 'localhost:8085',
        'CONTENT_LENGTH': str(len(body)) if body else '',
        'wsgi.version': (1, 0),
        'wsgi.url_scheme': 'http',
        'wsgi.input': io.BytesIO(body),
        'wsgi.errors': io.StringIO(),
        'wsgi.multithread': True,
        'wsgi.multiprocess': False,
        'wsgi.run_once': False,
        **more,
    }


class Client:
    """Calls an application as a server would."""

    def __init__(self, app: Application) -> None:
        self._app = validator(app)

    def __call__(self, method: str, path: str, body: bytes = b'', /, **more: object) -> Reply:
        given = environ(method, path, body, **more)
        errors = given['wsgi.errors']
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
            started.append((status, headers))
            return bytes

        chunks = self._app(given, start_response)
        received = b''.join(chunks)
        chunks.close()  # type: ignore[attr-defined]
        ((status, headers),) = started
        assert len(headers) == len(dict(headers))
        return Reply(int(status[:3]), dict(headers), received, errors.getvalue())

    def get(self, path: str, **more: object) -> Reply:
        return self('GET', path, **more)

    def post(self, path: str, body: object = None, **more: object) -> Reply:
        """Post a value as JSON, or bytes as they are."""
        encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        more.setdefault('CONTENT_TYPE', 'application/json')
        return self('POST', path, encoded, **more)
