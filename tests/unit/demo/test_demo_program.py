"""The demonstration as a program: what it may import, what it says, what is left of it."""

from __future__ import annotations

import ast
import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from demo import album, console
from demo.album import Album
from demo.forwarder import Forwarder
from demo.interrupts import Interrupts
from demo.killer import Killer
from demo.places import PLACES
from demo.png import SIGNATURE, with_palette
from demo.ports import free_ports
from demo.problems import DemoError
from demo.report import Report, Step
from demo.tools import why_it_ended
from demo.town import Town

ROOT = Path(__file__).resolve().parents[3]
ALLOWED = set(sys.stdlib_module_names) | {"demo", "playwright"}
SECONDS = 30.0


def test_no_step_calls_python_of_the_product() -> None:
    """Only the standard library; playwright for pictures. Nothing of the product, no database."""
    for path in (ROOT / "demo").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            roots = {name.partition(".")[0] for name in names}
            assert roots <= ALLOWED, f"{path.name}: {roots - ALLOWED}"
            assert "sqlite3" not in roots


@pytest.fixture
def town(tmp_path: Path) -> Town:
    folder = tmp_path / "town"
    return Town(folder, Interrupts(), interval_seconds=1, first_port=20000)


def processes_of(folder: Path) -> list[int]:
    """The processes that name the folder on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in words and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_setting_up_it_leaves_no_process(
    number: signal.Signals, tmp_path: Path
) -> None:
    """Ctrl-C while the first commands run: the program and all it started are gone."""
    folder = tmp_path / "folder"
    command = [sys.executable, "-m", "demo", "check", "--dir", str(folder)]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)
        until = time.monotonic() + SECONDS
        while len(processes_of(folder)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(processes_of(folder)) >= 2, "it and a command of the product"
        process.send_signal(number)
        assert process.wait(SECONDS) == 130
    assert processes_of(folder) == []
    assert "所有启动的程序都已停止" in (tmp_path / "said").read_text(encoding="utf-8")


def test_a_folder_in_use_is_one_sentence(town: Town) -> None:
    """Nothing is overwritten, nothing is started."""
    town.folder.mkdir()
    (town.folder / "mine").write_text("x")
    with pytest.raises(DemoError, match="不是空的"):
        town.set_up()
    town.stop()


def test_a_full_disk_is_one_sentence(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is said before anything is started."""
    monkeypatch.setattr("demo.town.FREE_BYTES_MIN", 1 << 60)
    with pytest.raises(DemoError, match="磁盘空间不足"):
        town.set_up()
    town.stop()


def test_no_free_port_is_one_sentence() -> None:
    """The range that was searched is named."""
    with pytest.raises(DemoError, match="没有 9 个空闲端口"):
        free_ports(9, 31995)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (
            "Traceback\nModuleNotFoundError: No module named 'segno'\n",
            1,
            "缺少 Python 软件包 segno",
        ),
        ("OSError: [Errno 28] No space left on device\n", 1, "磁盘已满"),
        ("x\n地址 127.0.0.1:1 不能监听\n\n", 4, "地址 127.0.0.1:1 不能监听"),
        ("", 1, "什么也没有说"),
        ("started\n", -11, "程序崩溃,被信号 11 结束"),
    ],
)
def test_a_program_that_ended_is_one_sentence(
    text: str, code: int, said: str, tmp_path: Path
) -> None:
    """The reason is taken from the end of what the program wrote."""
    log = tmp_path / "log"
    log.write_text(text, encoding="utf-8")
    assert said in why_it_ended(log, code)


def test_a_seed_names_the_same_kill_every_time(town: Town) -> None:
    """Node, moment and pause follow from the seed alone, and differ between seeds."""
    plans = [Killer(seed, town, 9).plan for seed in range(20)]
    assert plans == [Killer(seed, town, 9).plan for seed in range(20)]
    assert len(set(plans)) == 20
    assert {Killer(seed, town, 9).place.code for seed in range(100)} == {p.code for p in PLACES}
    town.stop()


def test_the_report_is_one_line_of_json() -> None:
    """With the members the checks ask for; not ok as soon as one step is not."""
    report = Report(steps=[Step("a", True, 1.0, "x")])
    assert report.ok
    report.steps.append(Step("b", False, 1.0, "y"))
    facts = json.loads(report.line())
    assert facts["ok"] is False
    assert "\n" not in report.line()
    assert set(facts) == {"ok", "steps", "nodes", "idle_round_bytes", "story_seconds"}
    assert not Report().ok


def test_the_visitors_commands_cut_and_restore(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """A link by its name or its child's code; anything else is answered with help."""
    ports = free_ports(2, 21000)
    link = town.forwarder.add("CG0111-CG0101", "斗南社区 → 斗南街道", ports[0], ports[1])
    console.obey(town, ["cut", "cg0111"])
    assert link.is_cut
    console.obey(town, ["restore", "CG0111-CG0101"])
    assert not link.is_cut
    for words in (["links"], ["cut"], ["cut", "X"], ["dance"]):
        console.obey(town, words)
    said = capsys.readouterr().err
    assert "没有线路 X" in said
    assert said.count("命令:") == 2
    assert isinstance(town.forwarder, Forwarder)
    town.stop()


def test_pictures_without_chromium_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to install is said before the story is played."""
    monkeypatch.setattr(album.shutil, "which", lambda _: None)
    with pytest.raises(DemoError, match="apt-get install"), Album(tmp_path):
        pass


def paeth(a: int, b: int, c: int) -> int:
    """The neighbour nearest to a + b - c, in this order. Source: PNG specification, 9.4."""
    nearness = {0: abs(b - c), 1: abs(a - c), 2: abs(a + b - 2 * c)}
    return (a, b, c)[min(nearness, key=lambda i: (nearness[i], i))]


def test_a_palette_keeps_the_picture() -> None:
    """The same pixels, whatever filter they were written with, in fewer bytes per pixel."""
    pixels = [[(x * 30 % 256, y * 40 % 256, 7) for x in range(9)] for y in range(10)]
    rows, above = b"", [0] * 27
    for y, line in enumerate(pixels):
        flat = [value for pixel in line for value in pixel]
        kind = y % 5
        left, corner = [0, 0, 0, *flat], [0, 0, 0, *above]
        sides = list(zip(left, above, corner, strict=False))
        mean = [(a + b) // 2 for a, b, _ in sides]
        guess = [[0] * 27, left, above, mean, [paeth(*side) for side in sides]][kind]
        rows += bytes([kind]) + bytes((v - g) & 255 for v, g in zip(flat, guess, strict=False))
        above = flat
    png = SIGNATURE
    header = struct.pack(">IIBBBBB", 9, 10, 8, 2, 0, 0, 0)
    for name, content in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        png += struct.pack(">I", len(content)) + name + content + b"0000"
    small = with_palette(png)
    at = small.index(b"PLTE")
    (length,) = struct.unpack(">I", small[at - 4 : at])
    palette = small[at + 4 : at + 4 + length]
    at = small.index(b"IDAT")
    (length,) = struct.unpack(">I", small[at - 4 : at])
    raw = zlib.decompress(small[at + 4 : at + 4 + length])
    read = [
        [tuple(palette[3 * i : 3 * i + 3]) for i in raw[y * 10 + 1 : y * 10 + 10]]
        for y in range(10)
    ]
    assert read == pixels
