"""Commands of a second process on the files of a running central: it notices, nothing is stale."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from click.testing import CliRunner

from casework.matter_index import MatterIndex
from central.__main__ import cli
from central.imports.entries import DEMO_INVENTORY, SHIPPED_DATA
from tests.integration.tree_world import CENTRAL, TOWNSHIP, VILLAGE, Tree

NEW_VILLAGE = "CG0113"


def catalogue_with_a_new_village(folder: Path) -> Path:
    """Return a folder with the shipped catalogue and one station, person and matter name more."""
    shutil.copytree(SHIPPED_DATA, folder)
    for name in ("stations.csv", "staff.csv"):
        shutil.copy(DEMO_INVENTORY / name, folder / name)
    with open(folder / "stations.csv", "a", encoding="utf-8") as file:
        file.write(f"{NEW_VILLAGE},新设便民服务站(演示),village,{TOWNSHIP},530114003001\n")
    with open(folder / "staff.csv", "a", encoding="utf-8") as file:
        file.write(f"{NEW_VILLAGE}-01,试用人员(演示),{NEW_VILLAGE},intake|admin\n")
    path = folder / "village_matters" / "village_committee.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"居住情况证明"', '"居住情况说明"', 1), encoding="utf-8")
    return folder


def run(*arguments: str) -> dict[str, object]:
    """Run a command as a second process would, and return its JSON answer."""
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert 0 == result.exit_code, result.output
    answer: dict[str, object] = json.loads(result.output)
    return answer


def test_running_central_hands_on_what_a_second_process_published(
    tree: Tree, tmp_path: Path
) -> None:
    """After a publish from outside, the running central serves, routes and finds by it."""
    data = str(tree.home(CENTRAL))
    folder = catalogue_with_a_new_village(tmp_path / "catalogue")
    run("catalogue", "import", "--data", data, "--from", str(folder))
    answer = run("publish", "--data", data)
    assert isinstance(answer["changed"], int)
    assert answer["changed"] > 0
    tree.settle()
    tree.enrol(NEW_VILLAGE)
    tree.settle()
    with tree.nodes[VILLAGE].database.read() as transaction:
        entry = transaction.entry("matters", "CG-CW-0101")
    assert entry is not None
    assert "居住情况说明".encode() in entry.raw
    with tree.central.database.read() as transaction:
        assert "CG-CW-0101" in MatterIndex(transaction.connection).search("居住情况说明", 5)
        assert NEW_VILLAGE in tree.central.desk.registry(transaction, tree.now_ms).tree
    with tree.nodes[NEW_VILLAGE].database.read() as transaction:
        assert 44 == len(transaction.entries("matters"))
        assert [f"{NEW_VILLAGE}-01"] == [e.key for e in transaction.entries("staff")]
