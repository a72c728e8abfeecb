"""Structs are worked out before threads begin; two first decodings at once kill the process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from node.program import Node
from node.structs import work_out_structs

ROOT = Path(__file__).resolve().parents[3]
RACE = """
import sys, threading, types
import msgspec
from node.structs import work_out_structs

SOURCE = '''
from __future__ import annotations
import msgspec
class A(msgspec.Struct, frozen=True):
    a: list[str] = []
    c: dict[str, int] = {}
class S(msgspec.Struct, frozen=True):
    d: list[A] = []
    e: tuple[int, ...] = ()
    f: dict[str, list[A]] = {}
    g: str = ""
'''
sys.setswitchinterval(1e-6)
for number in range(120):
    module = types.ModuleType(f"m{number}")
    sys.modules[module.__name__] = module
    exec(compile(SOURCE, module.__name__, "exec"), module.__dict__)
    barrier = threading.Barrier(6)
    def first() -> None:
        barrier.wait()
        msgspec.json.decode(b'{"d":[{"a":["x"]}],"e":[1],"f":{"k":[{}]},"g":"a"}', type=module.S)
    work_out_structs()
    threads = [threading.Thread(target=first) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_structs_worked_out_survive_many_first_decodings_at_once() -> None:
    """Without it this very race ends in a segmentation fault within a second (msgspec 0.22.0)."""
    done = subprocess.run(
        [sys.executable, "-c", RACE], cwd=ROOT, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def test_every_struct_of_the_programs_can_be_worked_out() -> None:
    """None has annotations that only a type checker can read; and it costs no start-up time."""
    import central.app
    import edge_node.app

    assert central.app
    assert edge_node.app
    began = time.perf_counter()
    assert work_out_structs() >= 20
    assert time.perf_counter() - began < 1.0


def test_a_node_works_structs_out_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it reads a file or starts a thread."""

    class WorkedOut(Exception):
        pass

    def told() -> int:
        raise WorkedOut

    monkeypatch.setattr("node.program.work_out_structs", told)
    with pytest.raises(WorkedOut):
        Node(tmp_path / "nowhere", clock_ms=lambda: 0, release="test")
