"""The processes the demonstration started, by pid: it ends these and no others."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from demo.interrupts import Interrupts
from demo.problems import DemoError, disk_problem

END_SECONDS = 8.0
ROOT = Path(__file__).resolve().parent.parent
Process = subprocess.Popen[bytes]


class Children:
    """Starts processes and ends every one of them, also when starting was interrupted."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._lock = threading.Lock()
        self._running: dict[int, Process] = {}
        self._closing = False

    def spawn(self, command: Sequence[str], log: Path, errors: Path | None = None) -> Process:
        """Start a process with its output appended to `log`.

        A session of its own keeps the terminal's Ctrl-C from it: it is ended by `stop_all`.
        Raises: DemoError (everything is being ended, or no disk).
        """
        with self._interrupts.held(), self._lock:
            if self._closing:
                raise DemoError("演示正在结束,不再启动新的程序。")
            try:
                process = _start(command, log, errors)
            except OSError as error:
                raise disk_problem(error, str(log)) from error
            self._running[process.pid] = process
        return process

    def kill(self, process: Process) -> None:
        """SIGKILL one of the children and wait until it is gone."""
        process.kill()
        process.wait()
        self.forget(process)

    def forget(self, process: Process) -> None:
        """Take a process that has ended off the list."""
        with self._lock:
            self._running.pop(process.pid, None)

    def running(self) -> list[int]:
        """The pids of the children that have not ended."""
        with self._lock:
            return [pid for pid, process in self._running.items() if process.poll() is None]

    def stop_all(self, seconds: float = END_SECONDS) -> None:
        """End all: SIGTERM, and SIGKILL to what is still there after `seconds`."""
        with self._interrupts.held():
            with self._lock:
                self._closing = True
                processes = list(self._running.values())
            for process in processes:
                process.terminate()
            until = time.monotonic() + seconds
            for process in processes:
                try:
                    process.wait(max(until - time.monotonic(), 0.01))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                self.forget(process)


def _start(command: Sequence[str], log: Path, errors: Path | None) -> Process:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    with log.open("ab") as out, (errors or log).open("ab") as err:
        return subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
