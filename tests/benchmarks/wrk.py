"""A client that is faster than what it measures, as none in Python is: ``wrk`` (Debian: ``apt-get install wrk``)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.fresh import unmeasured

CONNECTIONS = 64
SCRIPT = """
local requests, at = {}, 0
function init()
  for path in io.lines(os.getenv('REQUESTS')) do
    local file = io.open(path, 'rb')
    requests[#requests + 1] = file:read('*a')
    file:close()
  end
  if #requests == 1 then
    local all = requests[1]
    requests = {}
    for text in all:gmatch('(.-\\r\\n\\r\\n)') do
      requests[#requests + 1] = text
    end
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local seconds = summary.duration / 1e6
  io.write(string.format('\\n{"answered": %d, "failed": %d, "seconds": %f, "p99": %f}\\n',
    summary.requests, failed, seconds, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What a client has seen."""

    answered: int
    failed: int
    seconds: float
    p99: float  #: milliseconds

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds


def is_there(target: str) -> bool:
    """Whether it is installed; where it is not, say so."""
    if shutil.which('wrk') is None:
        print(f'{target} is left out: it needs wrk (apt-get install wrk)', file=sys.stderr)
        return False
    return True


def listed(folder: Path, name: str, requests: Sequence[bytes]) -> Path:
    """A list of files, each with a request; of one file, all of them stand in that."""
    paths = []
    for number, request in enumerate(requests):
        path = folder / f'{name}{number}'
        path.write_bytes(request)
        paths.append(str(path))
    found = folder / name
    found.write_text('\n'.join(paths) + '\n')
    return found


def get(path: str, **parameters: object) -> str:
    """A request of a GET, its parameters spelled as JSON."""
    query = '&'.join(f'{name}={_spelled(value)}' for name, value in parameters.items())
    return f'GET {path}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n'


def _spelled(value: object) -> str:
    return quote(json.dumps(value, separators=(',', ':')), safe=',:')


def send(url: str, requests: Path, seconds: int, connections: int) -> Run:
    script = requests.with_suffix('.lua')
    script.write_text(SCRIPT)
    command = ['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--timeout', '10s', '-s', str(script), url]
    out = subprocess.check_output(command, env=unmeasured() | {'REQUESTS': str(requests)}, text=True)
    return Run(**json.loads(out.splitlines()[-1]))
