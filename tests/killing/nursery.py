"""A warm process that forks children: one that is to be killed costs a fork, not the start of an interpreter.

``python -m tests.killing.nursery`` reads a line of JSON for each child and for each kill, and tells what children say
and how they end.  Only it knows which of its children live, so it is the one that kills: no process of somebody else's
that has got the same number is ever hit.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.fresh import unmeasured


@dataclass(eq=False)
class Child:
    """A process that does a job.  ``said`` is what the job returned."""

    nursery: Nursery
    number: int
    said: dict[str, Any] = field(default_factory=dict)
    status: int | None = None  #: as the shell has it, negative for a signal; None while it lives

    @property
    def ended(self) -> bool:
        return self.status is not None

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it is gone; nothing when it has ended."""
        self.nursery.order(kill=self.number)
        self.wait()

    def wait(self, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.ended:
            assert time.monotonic() < deadline, f'still at work after {seconds} s'
            self.nursery.hear(1.0)


class Nursery:
    """The process, as its parent sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'tests.killing.nursery'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=unmeasured(PYTHONPATH=os.pathsep.join(sys.path)),
        )
        self._children: dict[int, Child] = {}
        self._data = b''
        self._count = 0

    def fileno(self) -> int:
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def start(self, job: str, **given: Any) -> Child:
        """Have a job of `tests.killing.jobs` done by a child."""
        self._count += 1
        child = self._children[self._count] = Child(self, self._count)
        self.order(start=self._count, job=job, given=given)
        return child

    def order(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b'\n')
        self._process.stdin.flush()

    def hear(self, seconds: float = 0.0) -> None:
        """Take in what has been told; waits so long for it."""
        if not select.select([self], [], [], seconds)[0]:
            return
        data = os.read(self.fileno(), 65_536)
        assert data, 'the nursery has ended'
        *lines, self._data = (self._data + data).split(b'\n')
        for line in lines:
            number, status, said = json.loads(line)
            if status is None:
                self._children[number].said = said
            else:
                self._children.pop(number).status = status

    def close(self) -> None:
        """End it, and whoever of its children still lives."""
        with self._process:
            self._process.stdin.close()  # type: ignore[union-attr]


class _Home:
    """The inside: forks, kills, tells."""

    def __init__(self, jobs: dict[str, Callable[..., Any]]) -> None:
        self._jobs = jobs
        self._living: dict[int, int] = {}  # by process, the child's number
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        data = b''
        while True:
            ready, _, _ = select.select([0, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4_096)
                self._bury()
            if 0 in ready:
                more = os.read(0, 65_536)
                *lines, data = (data + more).split(b'\n')
                for line in lines:
                    self._obey(**json.loads(line))
                if not more:
                    break
        for process in self._living:
            os.kill(process, signal.SIGKILL)

    def _obey(self, start: int = 0, job: str = '', given: dict[str, Any] | None = None, kill: int = 0) -> None:
        if start:
            process = os.fork()
            if not process:
                self._work(start, job, given or {})
            self._living[process] = start
        for process, number in self._living.items():
            if number == kill:
                os.kill(process, signal.SIGKILL)

    def _work(self, number: int, job: str, given: dict[str, Any]) -> None:
        status = 1
        with suppress(BaseException):
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                said = self._jobs[job](**given)
                _say(number, None, said)
                status = 0
            except BaseException:
                _say(number, None, {'crash': traceback.format_exc()[-1_500:]})
        os._exit(status)

    def _bury(self) -> None:
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                _say(self._living.pop(found[0]), os.waitstatus_to_exitcode(found[1]), None)


def _say(number: int, status: int | None, said: Any) -> None:
    # In one piece: shorter than what a pipe takes at once.
    os.write(1, json.dumps([number, status, said]).encode() + b'\n')


if __name__ == '__main__':
    from tests.killing.jobs import JOBS

    _Home(JOBS).run()
