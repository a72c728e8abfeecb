"""One node as the demonstration handles it: its folder, ports, process, memory."""

from __future__ import annotations

import http.client
import sys
import threading
import time
from pathlib import Path

from demo.children import Children, Process
from demo.places import Place
from demo.problems import DemoError
from demo.say import say
from demo.tools import why_it_ended

HOST = "127.0.0.1"
READY_SECONDS = 60.0
PROGRESS_EVERY_SECONDS = 5.0
POLL_SECONDS = 0.05
STOP_SECONDS = 8.0


class Station:
    """A real process on this machine that serves one station's pages."""

    def __init__(
        self, place: Place, folder: Path, children: Children, port: int, sync_port: int
    ) -> None:
        self.place = place
        self.folder = folder
        self.port = port
        self.sync_port = sync_port
        self.log = folder.with_suffix(".log")
        self._children = children
        self._process: Process | None = None
        self._lock = threading.RLock()

    @property
    def url(self) -> str:
        """The address a person opens."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process, 0 when there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def start(self, interval_seconds: float) -> None:
        """Start the process; it is not ready yet. Does nothing when it runs."""
        program = "edge_node" if self.place.parent else "central"
        command = [sys.executable, "-m", program, "run", "--data", str(self.folder)]
        command += ["--listen", f"{HOST}:{self.port}", "--sync-listen", f"{HOST}:{self.sync_port}"]
        if self.place.parent:
            command += ["--interval", f"{interval_seconds:g}"]
        with self._lock:
            if not self.pid:
                self._process = self._children.spawn(command, self.log)

    def kill(self) -> None:
        """`kill -9`; does nothing when it does not run."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                self._children.kill(process)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when the node says it is ready.

        Raises: DemoError (it ended, or is not ready within `seconds`).
        """
        began = time.monotonic()
        told = began
        while not self._says_ready():
            now = time.monotonic()
            process = self._process
            ended = process is not None and process.poll() is not None
            if ended and process is self._process:  # not killed by us meanwhile
                assert process is not None, "what has ended was there"
                why = why_it_ended(self.log, process.returncode)
                raise DemoError(f"{self.place.name}({self.place.code})没有启动起来:{why}")
            if now - began > seconds:
                raise DemoError(
                    f"{self.place.name}({self.place.code})过了 {seconds:.0f} 秒还没有就绪。"
                    f"请看 {self.log}。"
                )
            if now - told > PROGRESS_EVERY_SECONDS:
                told = now
                say(f"  … 等 {self.place.name} 就绪,已等 {now - began:.0f} 秒")
            time.sleep(POLL_SECONDS)

    def rss_mib(self) -> float:
        """The resident memory of the process in MiB, 0 when it does not run."""
        try:
            text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0.0
        rows = dict(line.partition(":")[::2] for line in text.splitlines())
        return round(int(rows.get("VmRSS", "0 kB").split()[0]) / 1024, 1)

    def _says_ready(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/readyz", headers={"Connection": "close"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
