"""A real PostgreSQL server for tests: made in a temporary folder, ended with the tests.

It listens on a socket in its folder only and keeps texts in Chinese order, so that whatever relies
on the order of bytes must ask for it. It runs as an unprivileged user, since PostgreSQL refuses
root, and ends by itself should the tests be killed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

READY_SECONDS = 60
MEMORY_BYTES_MIN = 1024**3
MISSING = (
    "没有找到 PostgreSQL 服务器程序(initdb、postgres),与 PostgreSQL 有关的测试没有运行。"
    "请以管理员身份执行:apt-get install postgresql,然后再试。"
)
_DISK = "/var/tmp"
"""Kept over a restart, so no folder in memory."""
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # a test of durability turns it on
    "shared_buffers": "32MB",
    "max_connections": "40",
    "log_min_messages": "fatal",
}


def programs() -> Path | None:
    """Return the folder of the newest server programs on this machine, None without any."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    elsewhere = shutil.which("initdb")
    if elsewhere is not None:
        found.append(Path(elsewhere).resolve().parent)
    return max(found, key=lambda path: path.parent.name, default=None)


class Cluster:
    """A running server; `database()` gives an empty database each time."""

    def __init__(self, *, on_disk: bool = False) -> None:
        """Make and start a server, `on_disk` one whose commits wait for it.

        Skips the test where there is none.
        """
        bin_folder = programs()
        if bin_folder is None:
            pytest.skip(MISSING)
        self._bin = bin_folder
        place = _DISK if on_disk else _quick_folder()
        self.folder = Path(tempfile.mkdtemp(prefix="yizhan-pg-", dir=place))
        self.data = self.folder / "data"
        self._numbers = count(1)
        self._as = self._unprivileged()
        self._run("initdb", "--pgdata", str(self.data), "--username=yizhan", "--auth=trust",
                  "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu",
                  "--icu-locale=zh-Hans-CN", "--no-sync", "--no-instructions")  # fmt: skip
        with open(self.data / "postgresql.conf", "a") as settings:
            chosen = {**_SETTINGS, "fsync": "on"} if on_disk else _SETTINGS
            settings.writelines(f"{name} = '{value}'\n" for name, value in chosen.items())
        self.server = self._start()

    def url(self, schema: str = "public") -> str:
        """Return where a schema of this server's database is."""
        return f"postgresql://yizhan@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    def database(self) -> str:
        """Return the address of a fresh database without any table.

        A schema of its own stands for a database: that takes a tenth of the time.
        """
        name = f"t{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return self.url(name)

    def kill(self) -> None:
        """End the server as a power cut would end its processes, and start it again."""
        self._end(signal.SIGKILL)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.server = self._start()

    def keep_commits(self, how: str) -> None:
        """Have commits wait for the disk ("on") or not ("off")."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET fsync = {how}".encode())
            connection.execute("SELECT pg_reload_conf()")

    def close(self) -> None:
        """End the server and remove its folder."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _end(self, how: signal.Signals) -> None:
        children = _children(self.server.pid) if how is signal.SIGKILL else []
        for pid in [self.server.pid, *children]:
            os.kill(pid, how)
        self.server.wait(READY_SECONDS)
        _wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))

    def _start(self) -> subprocess.Popen[bytes]:
        command = [str(self._bin / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
        with open(self.folder / "log", "ab") as log:
            server = subprocess.Popen([*self._as, *command], stdout=log, stderr=log)

        def ready() -> bool:
            assert server.poll() is None, (self.folder / "log").read_text()
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                return False
            return True

        _wait_until(ready)
        return server

    def _unprivileged(self) -> list[str]:
        """Return what goes before a command so that it does not run as root."""
        dying = ["setpriv", f"--pdeathsig={signal.SIGINT.name}"]
        if os.getuid() != 0:
            return dying
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        user = names.get("postgres") or names["nobody"]
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        return [*dying, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def _run(self, name: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stderr


def _quick_folder() -> str | None:
    """Return a folder in memory where there is room for one: a store's tables are many files."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN
    return str(memory) if roomy else None


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_until(true: Any) -> None:
    until = time.monotonic() + READY_SECONDS
    while not true():
        assert time.monotonic() < until, "the server did not come so far in time"
        time.sleep(0.02)
