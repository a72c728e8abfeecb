"""The commands in real processes: a village that no cable ever reached, and an auditor."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from node import drop_folder
from node.drop_folder import DropFolder
from tests.integration.stick_world import Sticks
from tests.integration.test_tree_of_four import AT_ONCE
from tests.integration.tree_world import CENTRAL, DISTRICT, VILLAGE, Tree

PROJECT = Path(__file__).resolve().parents[2]
STATION = "CG0111"


def run(*words: str, code: int = 0) -> dict[str, Any]:
    """Run a command of the product in a process of its own and return its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", *words, "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert done.returncode == code, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_station_lives_by_stick_alone_in_real_processes(tmp_path: Path) -> None:
    """Founded, enrolled, reported, answered, audited: commands only, no address of anybody."""
    central, village, stick = tmp_path / "central", tmp_path / "village", tmp_path / "stick"
    stick.mkdir()
    founded = run("central", "init", "--data", str(central), "--station", "KM0000")
    run("central", "catalogue", "import", "--data", str(central))
    run("central", "publish", "--data", str(central), "--profile", "ferry")
    sheet = tmp_path / "sheet"
    run(
        "central", "voucher", STATION, "--data", str(central), "--out", str(sheet),
        "--parent-url", "http://127.0.0.1:1", "--profile", "ferry",
    )  # fmt: skip
    run("edge_node", "enrol", str(sheet), "--data", str(village))
    up = run("edge_node", "bundle", "export", str(stick), "--data", str(village))
    assert (up["way"], up["number"], up["readers"]) == ("up", 1, ["KM0000"])
    audit = run("verifier", "verify", up["path"], "--authority", founded["authority"])
    assert audit["authority"] == "confirmed"

    took = run("central", "bundle", "import", str(stick), "--answer", "--data", str(central))
    assert [one["taken"] for one in took["files"]] == [1]
    assert [one["way"] for one in took["answers"]] == ["down"]
    back = run("edge_node", "bundle", "import", str(stick), "--data", str(village))
    by_way = {one.get("way", one.get("code")): one for one in back["files"]}
    assert set(by_way) == {"down", "bundle_own"}
    assert by_way["down"]["covered"] == 1
    status = run("edge_node", "status", "--data", str(village), code=3)
    rungs = status["situation"]["rungs"]
    assert (rungs["local"], rungs["parent"], rungs["central"]) == (0, 0, 1)
    assert status["editions"], "the catalogue came by stick"
    key = str(village / "encrypt.key")
    audit = run("verifier", "verify", took["answers"][0]["path"], "--key", key)
    assert audit["contents"]["blobs"] > 0
    again = run("central", "bundle", "import", up["path"], "--data", str(central))
    assert again["files"][0]["already"]


def test_a_wrong_file_ends_in_a_sentence_and_code_1(tree: Tree, tmp_path: Path) -> None:
    """One file that does not fit fails; a folder with strangers' files in it does not."""
    junk = tmp_path / "junk.yzb"
    junk.write_bytes(b"not a bundle")
    home = str(tree.home(CENTRAL))
    tree.close()
    tree.nodes.clear()
    refused = run("central", "bundle", "import", str(junk), "--data", home, code=1)
    assert refused["files"][0]["code"] == "not_a_bundle"
    run("central", "bundle", "import", str(tmp_path), "--data", home)
    unknown = run("central", "bundle", "export", "CG0211", str(tmp_path), "--data", home, code=1)
    assert unknown["code"] == "bundle_not_ours"


@pytest.fixture
def folder(tree: Tree, tmp_path: Path) -> DropFolder:
    """The drop folder of central, answering."""
    stick = tmp_path / "drop"
    stick.mkdir()
    central = tree.nodes[CENTRAL]
    return DropFolder(central.files, stick, answer=True, name_of=central.station_name)


def test_a_drop_folder_takes_what_lies_still_and_answers(
    tree: Tree, tmp_path: Path, folder: DropFolder
) -> None:
    """A file counts when two looks find it unchanged; the answer lies beside it, once."""
    sticks = Sticks(tree, tmp_path / "sticks")
    stream = tree.take_in(VILLAGE, AT_ONCE)
    raw = sticks.up(VILLAGE).read_bytes()
    drop = tmp_path / "drop"
    half = drop / "one.yzb"
    half.write_bytes(raw[: len(raw) // 2])
    assert folder.look() == []
    half.write_bytes(raw)
    assert folder.look() == [], "it changed since the last look"
    taken = folder.look()
    assert [one.code for one in taken] == [""]
    assert tree.row(CENTRAL, stream) is not None
    answers = [path for path in drop.iterdir() if path.name.startswith(CENTRAL)]
    assert len(answers) == 1
    assert sticks.take(VILLAGE, answers[0]).covered > 0
    assert {one.code for one in [*folder.look(), *folder.look()]} <= {"bundle_own"}
    assert len(list(drop.iterdir())) == 2, "an answer is not answered"


def odd_entries(drop: Path, good: bytes, elsewhere: Path) -> None:
    """Lay down what may lie in a folder besides bundles: none of it is this node's business."""
    (drop / "a.yzb").mkdir()
    (drop / "link.yzb").symlink_to(elsewhere / "node.json")
    (drop / "to-a-folder.yzb").symlink_to(elsewhere)
    (drop / "to-nothing.yzb").symlink_to(drop / "nowhere")
    (drop / "to-itself.yzb").symlink_to(drop / "to-itself.yzb")
    os.mkfifo(drop / "pipe.yzb")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(drop / "s.yzb"))
    os.link(elsewhere / "node.json", drop / "a-second-name.txt")
    (drop / "evil.yzb.exe").write_bytes(good)
    (drop / ".hidden.yzb").write_bytes(good)
    (drop / "._apple.yzb").write_bytes(good)
    (drop / "half.yzb.part").write_bytes(good[:99])
    (drop / "deep").mkdir()
    (drop / "deep" / "in.yzb").write_bytes(good)


def odd_names(drop: Path, good: bytes) -> int:
    """Lay the same broken bundle down under names no person gives; return how many."""
    names = [
        b"two\nlines.yzb", b"red\x1b[31m.yzb", b"no-utf8-\xff\xfe.yzb", b"report.pdf.yzb",
        "数据包(1) 副本.yzb".encode(), b"n" * 251 + b".yzb", b"-rf.yzb", b"<script>.yzb",
        b"tab\t.yzb", b"back\\slash.yzb", b"a;b&c|d$(e).yzb", b" .yzb", b"%s%n.yzb",
    ]  # fmt: skip
    for name in names:
        with open(bytes(drop) + b"/" + name, "wb") as file:
            file.write(good[:200])
    return len(names)


def test_a_drop_folder_outlives_what_is_wrong_in_it(
    tree: Tree, tmp_path: Path, folder: DropFolder
) -> None:
    """Folders, links, pipes, odd names, strangers' and broken files; the one that fits is taken."""
    sticks = Sticks(tree, tmp_path / "sticks")
    tree.take_in(VILLAGE, AT_ONCE)
    good = sticks.up(VILLAGE).read_bytes()
    drop = tmp_path / "drop"
    odd_entries(drop, good, tree.home(CENTRAL))
    broken = odd_names(drop, good)
    (drop / "empty.yzb").write_bytes(b"")
    (drop / "zz.yzb").write_bytes(good)
    folder.look()
    codes = Counter(one.code for one in folder.look())
    assert codes == {"bundle_truncated": broken, "not_a_bundle": 1, "": 1}
    drop.rename(tmp_path / "pulled-out")
    assert folder.look() == []


def test_a_folder_of_odd_names_is_taken_in_and_told_in_plain_text(
    tree: Tree, tmp_path: Path
) -> None:
    """The command says what became of each file; no name can break or colour what is printed."""
    sticks = Sticks(tree, tmp_path / "sticks")
    tree.take_in(VILLAGE, AT_ONCE)
    good = sticks.up(VILLAGE).read_bytes()
    drop = tmp_path / "drop"
    drop.mkdir()
    odd_entries(drop, good, tree.home(CENTRAL))
    broken = odd_names(drop, good)
    (drop / "zz.yzb").write_bytes(good)
    home = tree.home(CENTRAL)
    tree.close()
    tree.nodes.clear()
    command = [sys.executable, "-m", "central", "bundle", "import", str(drop), "--data", str(home)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, timeout=120, check=False)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == broken + 1, done.stdout + done.stderr
    assert all(line.endswith("。") and line.isprintable() for line in lines)
    assert "Traceback" not in done.stderr.decode()
    said = run("central", "bundle", "import", str(drop), "--data", str(home), code=1)
    assert [one["already"] for one in said["files"] if "code" not in one] == [True]


def test_a_folder_of_a_thousand_broken_files_hides_nothing(
    tree: Tree, tmp_path: Path, folder: DropFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many are looked at in one go; the others have their turn at the next looks."""
    monkeypatch.setattr(drop_folder, "FILES_MAX", 10)
    tree.take_in(VILLAGE, AT_ONCE)
    good = Sticks(tree, tmp_path / "sticks").up(VILLAGE).read_bytes()
    drop = tmp_path / "drop"
    for number in range(25):
        (drop / f"{number:02d}.yzb").write_bytes(b"YZB" if number != 12 else good)
    folder.look()
    taken = [one for _ in range(3) for one in folder.look()]
    assert len(taken) == 25
    assert [one.file for one in taken if not one.code] == ["12.yzb"]


def test_a_watching_node_takes_in_by_itself(tree: Tree, tmp_path: Path) -> None:
    """The thread of a running node, at the district: the stick is put in, the case is there."""
    sticks = Sticks(tree, tmp_path / "sticks")
    stream = tree.take_in(VILLAGE, AT_ONCE)
    drop = tmp_path / "drop"
    drop.mkdir()
    district = tree.nodes[DISTRICT]
    told: list[str] = []
    district.watch_stick(drop, answer=False)
    assert district.drop_folder is not None
    (drop / "one.yzb").write_bytes(sticks.up(VILLAGE).read_bytes())
    told += district.drop_folder.until_taken(1, seconds=30)
    assert len(told) == 1
    assert tree.row(DISTRICT, stream) is not None
