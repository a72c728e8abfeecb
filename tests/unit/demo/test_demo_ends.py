"""Whatever the demonstration started ends with it, also when it is stopped half-way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.children import Children
from demo.interrupts import Interrupts
from demo.problems import DemoError

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 20.0
HALF_DONE = """
import sys
from pathlib import Path
from demo.children import Children
from demo.interrupts import Interrupts
from demo.problems import Interrupted

interrupts = Interrupts()
interrupts.install()
children = Children(interrupts)
folder = Path(sys.argv[1])
stubborn = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
try:
    for number in range(10_000):
        program = stubborn if number == 1 else "import time; time.sleep(600)"
        child = children.spawn([sys.executable, "-c", program], folder / "log")
        print(child.pid, flush=True)
except Interrupted:
    print("interrupted", flush=True)
finally:
    children.stop_all(seconds=2)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_start_ends_every_child(number: signal.Signals, tmp_path: Path) -> None:
    """Stopped in the middle of starting, no child is left, not even one that ignores SIGTERM."""
    starter = subprocess.Popen(
        [sys.executable, "-c", HALF_DONE, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert starter.stdout is not None
    first = [int(starter.stdout.readline()) for _ in range(3)]
    assert all(alive(pid) for pid in first)
    starter.send_signal(number)
    out, _ = starter.communicate(timeout=SECONDS)
    lines = out.decode().split()
    assert lines[-1] == "interrupted"
    pids = first + [int(line) for line in lines[:-1]]
    assert not [pid for pid in pids if alive(pid)]


def test_a_killed_child_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    """`kill -9` ends exactly the one process it names."""
    children = Children(Interrupts())
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    try:
        one, other = (children.spawn(command, tmp_path / "log") for _ in range(2))
        children.kill(one)
        assert children.running() == [other.pid]
        assert not alive(one.pid)
    finally:
        children.stop_all()
    assert not alive(other.pid)


def test_nothing_starts_once_the_end_has_begun(tmp_path: Path) -> None:
    """A restart that comes late starts no process that nobody would end."""
    children = Children(Interrupts())
    children.stop_all()
    with pytest.raises(DemoError, match="不再启动"):
        children.spawn([sys.executable, "-c", "pass"], tmp_path / "log")


def test_signals_while_held_come_afterwards() -> None:
    """A signal in the middle of booking a child is raised when the child is booked."""
    program = """
import os, signal
from demo.interrupts import Interrupts
from demo.problems import Interrupted
interrupts = Interrupts()
interrupts.install()
try:
    with interrupts.held():
        os.kill(os.getpid(), signal.SIGINT)
        print("booked", flush=True)
except Interrupted:
    print("then", flush=True)
os.kill(os.getpid(), signal.SIGTERM)
print("once", flush=True)
"""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=SECONDS, check=True
    )
    assert done.stdout.decode().split() == ["booked", "then", "once"]
    assert time.monotonic() - began < SECONDS
