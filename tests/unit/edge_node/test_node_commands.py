"""`yizhan-node`: answers, exit codes, and failures in one sentence."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_node.cli import World
from edge_node.commands import main
from node import enrolment
from node.serving import CannotListen, bind, parse_address
from tests.integration.tree_world import VILLAGE, Tree

CLERK = f"{VILLAGE}-01"
PROJECT = Path(__file__).resolve().parents[3]


def call(tree: Tree, *words: str) -> Result:
    world = World(clock_ms=tree.clock, seconds=lambda: 0.0, chance=lambda: 0.5, release="test")
    return CliRunner().invoke(main, list(words), obj=world)


def data(tree: Tree) -> str:
    return str(tree.home(VILLAGE))


def test_a_sheet_enrols_an_empty_folder_once(tree: Tree, tmp_path: Path) -> None:
    """enrol makes keys and shows the fingerprint; a second time nothing is changed."""
    sheet = tmp_path / "sheet.json"
    sheet.write_text(enrolment.sheet_text(tree.sheet("CG0211")), encoding="utf-8")
    home = tmp_path / "CG0211"
    done = call(tree, "enrol", str(sheet), "--data", str(home), "--json")
    assert done.exit_code == 0
    assert json.loads(done.output)["station"] == "CG0211"
    kept = (home / "node.json").read_bytes()
    again = call(tree, "enrol", str(sheet), "--data", str(home))
    assert again.exit_code == 1
    assert "已有入网的站点" in again.output
    assert (home / "node.json").read_bytes() == kept


def test_something_that_is_no_sheet_is_refused(tree: Tree, tmp_path: Path) -> None:
    """A wrong file is one sentence and exit code 1; a missing option is usage, 2."""
    junk = tmp_path / "junk.json"
    junk.write_text("{}", encoding="utf-8")
    assert call(tree, "enrol", str(junk), "--data", str(tmp_path / "x")).exit_code == 1
    assert not (tmp_path / "x" / "node.json").exists()
    assert call(tree, "enrol", str(junk)).exit_code == 2


def test_a_code_is_given_beside_the_running_node(tree: Tree) -> None:
    """staff-code prints eight digits while the node has the database open."""
    done = call(tree, "staff-code", CLERK, "--data", data(tree))
    assert done.exit_code == 0, done.output
    assert len(done.output.strip()) == 8
    assert done.output.strip().isdigit()


def test_a_database_of_a_release_too_new_is_named_and_left_alone(tree: Tree) -> None:
    """After a rollback by two releases: one sentence that says what to do, and no byte changed."""
    with tree.nodes[VILLAGE].database.write() as transaction:
        transaction.connection.execute("PRAGMA user_version = 3")
    tree.nodes.pop(VILLAGE).close()
    file = tree.home(VILLAGE) / enrolment.NODE_DATABASE
    before = file.read_bytes()
    refused = call(tree, "status", "--data", data(tree))
    assert 1 == refused.exit_code
    assert "数据库来自更新的程序版本" in refused.output
    assert "安装新版本" in refused.output
    assert before == file.read_bytes()


def test_no_code_for_strangers(tree: Tree) -> None:
    """A number that is not on this station's staff gets none."""
    for number in ("XX", "CG0101-01"):
        refused = call(tree, "staff-code", number, "--data", data(tree), "--json")
        assert refused.exit_code == 1
        assert json.loads(refused.output)["code"] == "unknown_staff"


def test_status_says_degraded_while_something_is_under_way(tree: Tree) -> None:
    """Exit code 0 when all is at central, 3 when not."""
    assert call(tree, "status", "--data", data(tree)).exit_code == 0
    tree.take_in(VILLAGE, "CG-MZ-0101")
    waiting = call(tree, "status", "--data", data(tree), "--json")
    assert waiting.exit_code == 3
    assert json.loads(waiting.output)["situation"]["rungs"]["local"] > 0


def test_doctor_ends_in_one_next_step(tree: Tree, tmp_path: Path) -> None:
    """Whatever it finds, the last line is the one thing to do."""
    well = call(tree, "doctor", "--data", data(tree))
    assert well.output.strip().splitlines()[-1].startswith("下一步:")
    key = tree.home(VILLAGE) / enrolment.SIGN_KEY
    key.chmod(0o644)
    bad = call(tree, "doctor", "--data", data(tree), "--json")
    assert bad.exit_code == 1
    assert json.loads(bad.output)["next_step"] == f"运行 chmod 600 {key}"
    nothing = call(tree, "doctor", "--data", str(tmp_path / "none"))
    assert nothing.exit_code == 1
    assert "入网" in nothing.output.splitlines()[-1]


@pytest.mark.parametrize("text", ["8080", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"])
def test_a_wrong_address_is_a_sentence(text: str) -> None:
    """HOST:PORT or nothing."""
    with pytest.raises(CannotListen, match="写法不对"):
        parse_address(text)


def test_a_taken_port_is_a_sentence() -> None:
    """The second listener on a port is told who is in the way."""
    first = bind(parse_address("127.0.0.1:0"))
    port = first.getsockname()[1]
    with first, pytest.raises(CannotListen, match="已被别的程序占用"):
        bind(parse_address(f"127.0.0.1:{port}"))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def run_command(home: str, port: int, *flags: str) -> list[str]:
    command = [sys.executable, *flags, "-m", "edge_node", "run", "--data", home]
    return [*command, "--listen", f"127.0.0.1:{port}", "--sync-listen", "127.0.0.1:0"]


def start(home: str, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        run_command(home, port), cwd=PROJECT, stderr=subprocess.PIPE, text=True, env=os.environ
    )


def wait_until_healthy(port: int) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the node does not answer")


def test_a_node_runs_alone_on_its_folder_and_stops_cleanly(tree: Tree) -> None:
    """A second run on the folder is refused in one sentence; SIGTERM ends the first with 0."""
    tree.nodes.pop(VILLAGE).close()
    port = free_port()
    running = start(data(tree), port)
    try:
        wait_until_healthy(port)
        second = start(data(tree), free_port())
        _, told = second.communicate(timeout=30)
        assert second.returncode == 1
        assert told.strip().splitlines()[-1].endswith("没有再启动一个。数据没有改动。")
    finally:
        running.send_signal(signal.SIGTERM)
        _, log = running.communicate(timeout=30)
    assert running.returncode == 0
    assert [json.loads(line)["event"] for line in log.splitlines()][-1] == "stopped"


def test_a_lost_database_is_not_replaced_by_an_empty_one(tree: Tree) -> None:
    """Once started, a node whose database is gone refuses to start, and leaves no empty one."""
    tree.nodes.pop(VILLAGE).close()
    home = tree.home(VILLAGE)
    (home / "started").touch()
    for path in home.glob("node.db*"):
        path.unlink()
    lost = start(data(tree), free_port())
    _, told = lost.communicate(timeout=30)
    assert lost.returncode == 1
    assert "数据库损坏" in told.splitlines()[-1]
    assert not (home / "node.db").exists()


def test_it_refuses_to_run_without_its_own_checks(tree: Tree) -> None:
    """python -O takes the asserts away, so the program does not start."""
    command = run_command(data(tree), free_port(), "-O")
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "python -O" in done.stderr
