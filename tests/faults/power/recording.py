"""What a process asked of its disk, in order, as strace saw it, and what it said meanwhile.

Only files below one folder count. The shared-memory index of a WAL is no file on the disk's side:
a crash throws it away and it is made anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
CALLS = (
    "pwrite64,write,ftruncate,fallocate,fdatasync,fsync,unlink,unlinkat,rename,renameat,renameat2"
)
SYSCALL_BYTES_MAX = 1 << 20

WRITE = "write"
SIZE = "size"
SYNC = "sync"
UNLINK = "unlink"
RENAME = "rename"
NAMES = "names"
"""The folder itself was synced."""
SAID = "said"


class Op(NamedTuple):
    """One thing done.

    Shapes: `name` of the file; `at` an offset, a new size, or what was said; `data` what was
    written, or the new name.
    """

    kind: str
    name: str
    at: int = 0
    data: bytes = b""


class Unreadable(Exception):
    """The recording holds a call this reader does not know: it must not be passed over."""


_LINE = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\((?P<rest>.*)$", re.DOTALL)
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)$", re.DOTALL)
_FD = re.compile(r"^(\d+)<([^>]*)>")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OF_NAMES = ("unlink", "unlinkat", "rename", "renameat", "renameat2")
_UNFINISHED = " <unfinished ...>"


def available() -> bool:
    """Return whether strace can be used here."""
    return shutil.which("strace") is not None


def record(path: Path, start: int, batches: int, synchronous: str) -> list[Op]:
    """Let a writer work on `path` and return what it asked of the disk. Raises: Unreadable."""
    log = path.parent.parent / f"{path.parent.name}.strace"
    subprocess.run(
        ["strace", "-f", "-y", "-xx", "-qq", "-s", str(SYSCALL_BYTES_MAX), "-e", f"trace={CALLS}",
         "-e", "signal=none", "-o", str(log), sys.executable, "-m", "tests.faults.power.writer",
         str(path), str(start), str(batches), synchronous],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=300,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        with log.open(encoding="ascii") as lines:
            return list(_ops(_whole_calls(lines), path.parent))
    finally:
        log.unlink()


def _whole_calls(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield (call, rest); one that another thread interrupted stands where it ended."""
    begun: dict[str, tuple[str, str]] = {}
    for line in lines:
        line = line.rstrip("\n")
        resumed = _RESUMED.match(line)
        if resumed:
            call, rest = begun.pop(resumed["pid"])
            yield call, rest + resumed["rest"]
            continue
        found = _LINE.match(line)
        if found is None:
            if "+++" in line or "---" in line:
                continue
            raise Unreadable(line[:200])
        if line.endswith(_UNFINISHED):
            begun[found["pid"]] = found["call"], found["rest"].removesuffix(_UNFINISHED)
            continue
        yield found["call"], found["rest"]


def _ops(calls: Iterator[tuple[str, str]], folder: Path) -> Iterator[Op]:
    for call, rest in calls:
        if not _succeeded(rest):
            continue
        fd = _FD.match(rest)
        if call == "write" and fd and fd[1] == "1":
            yield from (Op(SAID, "", int(word)) for word in _data(rest).split())
        elif call in _OF_NAMES:
            yield from _of_names(call, rest, folder)
        elif fd and _unescaped(fd[2]) == str(folder):
            yield Op(NAMES, "")
        elif fd and (name := _inside(_unescaped(fd[2]), folder)):
            yield _of_file(call, rest, name)


def _of_names(call: str, rest: str, folder: Path) -> Iterator[Op]:
    names = [_inside(_unescaped(path), folder) for path in _STRING.findall(rest)]
    if call == "rename" and names[0] and names[1]:
        yield Op(RENAME, names[0], data=names[1].encode())
    elif call == "unlink" and names[0]:
        yield Op(UNLINK, names[0])
    elif call not in ("rename", "unlink"):
        raise Unreadable(f"{call}({rest[:200]}")


def _of_file(call: str, rest: str, name: str) -> Op:
    if call == "pwrite64":
        data = _data(rest)
        count, offset = rest.rsplit('"', 1)[1].split(")")[0].strip(", ").split(", ")
        if int(count) == len(data):
            return Op(WRITE, name, int(offset), data)
    elif call == "ftruncate":
        return Op(SIZE, name, int(rest.split(", ")[1].split(")")[0]))
    elif call in ("fsync", "fdatasync"):
        return Op(SYNC, name)
    raise Unreadable(f"{call}({rest[:200]}")


def _succeeded(rest: str) -> bool:
    return not rest.rsplit(" = ", 1)[-1].startswith("-1")


def _unescaped(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode() if text.startswith("\\x") else text


def _data(rest: str) -> bytes:
    found = _STRING.search(rest)
    return bytes.fromhex(found[1].replace("\\x", "")) if found else b""


def _inside(path: str, folder: Path) -> str | None:
    name = Path(path.removesuffix(" (deleted)"))
    if name.parent != folder or name.name.endswith("-shm"):
        return None
    return name.name
