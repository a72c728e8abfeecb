"""Four real programs, each of the release it is told to be: central, district, township, village.

They are founded and enrolled by this release on their own folders, then run as processes of their
own with real links. What they hold is read from their databases, beside them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from demo.ports import free_ports
from node import enrolment
from node.schema import SCHEMA
from sync.protocol.ports import Transaction
from sync.signing import read_key
from sync.store.database import Database
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    Tree,
    without_notices,
)
from tests.releases.hands import folder_of

ROOT = Path(__file__).resolve().parents[2]
PATH = (CENTRAL, DISTRICT, TOWNSHIP, VILLAGE)
HOST = "127.0.0.1"
SECONDS = 180.0
AN_HOUR_MS = 3_600_000
T = TypeVar("T")


class World:
    """The four programs; each is started as one release and may be started again as another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = dict(zip(PATH, _pairs(len(PATH)), strict=True))
        self._asked = 0
        tree = Tree.founded(folder, time.time_ns() // 1_000_000 - AN_HOUR_MS)
        tree.publish(without_notices())
        tree.enrol(*PATH[1:])
        tree.settle()
        tree.close()

    def start(self, code: str, release: str) -> None:
        """Start a node as a release."""
        port, sync_port = self._ports[code]
        program = "central" if code == CENTRAL else "edge_node"
        words = [sys.executable, "-m", "tests.releases", release, program, "run"]
        words += ["--data", str(self.home(code)), "--listen", f"{HOST}:{port}"]
        words += ["--sync-listen", f"{HOST}:{sync_port}"]
        if code != CENTRAL:
            above = self._ports[PATH[PATH.index(code) - 1]][1]
            words += ["--interval", "0.3", "--parent-url", f"http://{HOST}:{above}"]
        with self.log(code).open("ab") as log:
            self.processes[code] = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)

    def stop(self, code: str) -> None:
        """End a node as its service manager does, and wait until it is gone."""
        until(lambda: self._listens(code), f"{code} listens")
        process = self.processes.pop(code)
        process.terminate()
        assert process.wait(SECONDS) == 0, self.log(code).read_text(encoding="utf-8")[-2000:]

    def restart(self, code: str, release: str) -> None:
        """Put another release in the place of a node's program, on the same data."""
        self.stop(code)
        self.start(code, release)

    def end(self) -> None:
        """End whatever still runs."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    def _listens(self, code: str) -> bool:
        """Return whether a node serves; before that a signal would find no handler."""
        try:
            urllib.request.urlopen(f"http://{HOST}:{self._ports[code][0]}/healthz", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def home(self, code: str) -> Path:
        return self.folder / code

    def log(self, code: str) -> Path:
        return self.folder / f"{code}.log"

    def ask(self, code: str, do: str, **fields: Any) -> Any:
        """Have the people at a node do something; what came of it."""
        self._asked += 1
        folder = folder_of(self.home(code))
        folder.mkdir(exist_ok=True)
        name, part = folder / f"{self._asked:04d}", folder / f"{self._asked:04d}.new"
        part.write_text(json.dumps({"do": do, **fields}), encoding="utf-8")
        part.rename(name.with_suffix(".json"))
        done = name.with_suffix(".done")
        until(done.exists, f"{code}: {do}")
        answer = json.loads(done.read_text(encoding="utf-8"))
        assert "ok" in answer, answer
        return answer["ok"]

    def read(self, code: str, look: Callable[[Transaction], T]) -> T:
        """Return what a look into a node's database finds, beside the running program."""
        with self.database(code) as database, database.read() as transaction:
            return look(transaction)

    @contextmanager
    def database(self, code: str) -> Iterator[Database]:
        """Open a node's database as this release does."""
        home = self.home(code)
        key = read_key(home / enrolment.DATABASE_KEY)
        opened = Database(home / enrolment.NODE_DATABASE, key, schema=SCHEMA, quick_check=False)
        with opened as database:
            yield database

    def said(self, code: str) -> list[Mapping[str, Any]]:
        """Return the lines of a node's log that are structured."""
        lines = self.log(code).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def until(check: Callable[[], object], what: str) -> None:
    """Wait until something is so. Raises: AssertionError naming it."""
    end = time.monotonic() + SECONDS
    while not check():
        assert time.monotonic() < end, f"not in {SECONDS:.0f} s: {what}"
        time.sleep(0.1)


def _pairs(count: int) -> Iterator[tuple[int, int]]:
    ports = free_ports(2 * count, 27000)
    return zip(ports[::2], ports[1::2], strict=True)
