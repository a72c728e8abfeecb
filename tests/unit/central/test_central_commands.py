"""The command line of central: what it answers, with which exit code, and what it leaves behind."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from central.__main__ import cli
from central.imports.entries import DEMO_INVENTORY, SHIPPED_DATA

CENTRAL = "KM0000"


def run(*arguments: str, expect: int = 0) -> dict[str, Any]:
    """Run a command with --json and return its answer."""
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert expect == result.exit_code, result.output
    answer: dict[str, Any] = json.loads(result.output)
    return answer


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A central with the shipped catalogue published; tests only add to it."""
    data = tmp_path_factory.mktemp("central") / "data"
    run("init", "--data", str(data), "--station", CENTRAL)
    run("catalogue", "import", "--data", str(data))
    run("publish", "--data", str(data))
    return data


def test_init_makes_two_keys_only_their_owner_can_read(tmp_path: Path) -> None:
    """The authority's key is another one than central's, and no key file is open to others."""
    data = tmp_path / "data"
    answer = run("init", "--data", str(data), "--station", CENTRAL)
    keys = [data / name for name in ("authority.key", "sign.key", "encrypt.key", "database.key")]
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in keys}
    assert 4 == len({path.read_text() for path in keys})
    assert 64 == len(answer["authority"])


def test_init_refuses_a_folder_in_use(published: Path) -> None:
    """A second init changes nothing."""
    before = {path.name: path.read_bytes() for path in published.glob("*.key")}
    answer = run("init", "--data", str(published), "--station", "XX0000", expect=1)
    assert "already_initialised" == answer["code"]
    assert before == {path.name: path.read_bytes() for path in published.glob("*.key")}


def test_init_cut_half_way_is_finished_by_the_next(tmp_path: Path) -> None:
    """An authority key without a node is used, not replaced."""
    data = tmp_path / "data"
    run("init", "--data", str(data), "--station", CENTRAL)
    key = (data / "authority.key").read_text()
    for path in data.iterdir():
        if path.name != "authority.key":
            path.unlink()
    run("init", "--data", str(data), "--station", CENTRAL)
    assert key == (data / "authority.key").read_text()


def test_no_station_code_is_refused(tmp_path: Path) -> None:
    """A code the protocol cannot carry founds no central."""
    answer = run("init", "--data", str(tmp_path / "d"), "--station", "../x", expect=1)
    assert "malformed" == answer["code"]
    assert not (tmp_path / "d").exists()


def test_publish_needs_an_import(tmp_path: Path) -> None:
    """Without anything staged there is nothing to publish, and the answer says what to do."""
    data = str(tmp_path / "data")
    run("init", "--data", data, "--station", CENTRAL)
    assert "nothing_staged" == run("publish", "--data", data, expect=1)["code"]


def test_import_with_a_fault_stages_nothing(tmp_path: Path, published: Path) -> None:
    """One bad line in one file: file and line are named, and the staged catalogue stays."""
    folder = tmp_path / "catalogue"
    shutil.copytree(SHIPPED_DATA, folder)
    for name in ("stations.csv", "staff.csv"):
        shutil.copy(DEMO_INVENTORY / name, folder / name)
    services = folder / "services_demo.csv"
    lines = services.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace("CG0211", "CG9999", 1)
    services.write_text("\n".join(lines) + "\n", encoding="utf-8")
    answer = run("catalogue", "import", "--data", str(published), "--from", str(folder), expect=1)
    assert ("services_demo.csv", 4) == (
        answer["problems"][0]["file"],
        answer["problems"][0]["line"],
    )
    assert 0 == run("publish", "--data", str(published))["changed"]


def test_import_names_a_missing_file(tmp_path: Path, published: Path) -> None:
    """An incomplete folder is a sentence, not a trace."""
    answer = run("catalogue", "import", "--data", str(published), "--from", str(tmp_path), expect=1)
    assert "file_missing" == answer["code"]


def test_publish_again_makes_no_new_edition(published: Path) -> None:
    """Every shelf keeps its edition when nothing changed."""
    first, second = (run("publish", "--data", str(published)) for _ in range(2))
    assert 0 == second["changed"]
    assert [s["edition"] for s in first["shelves"]] == [s["edition"] for s in second["shelves"]]
    assert all(s["entries"] and s["bytes"] for s in second["shelves"])


def test_voucher_is_written_once_for_its_owner(published: Path, tmp_path: Path) -> None:
    """The sheet's file is private and never overwritten; the sheet names parent and address."""
    out = tmp_path / "sheet.json"
    arguments = ["voucher", "CG0111", "--data", str(published), "--out", str(out)]
    run(*arguments, "--parent-url", "http://10.0.0.1:8700")
    sheet = json.loads(out.read_text(encoding="utf-8"))
    assert 0o600 == stat.S_IMODE(out.stat().st_mode)
    assert ("CG0111", "CG0101", CENTRAL) == (sheet["station"], sheet["parent"], sheet["root"])
    assert "http://10.0.0.1:8700" == sheet["parent_url"]
    again = run(*arguments, "--parent-url", "http://10.0.0.1:8700", expect=1)
    assert "file_exists" == again["code"]
    assert sheet == json.loads(out.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("station", "code"),
    [("CG0999", "unknown_station"), (CENTRAL, "is_central"), ("x/../y", "malformed")],
)
def test_voucher_for_no_station_is_refused(
    published: Path, tmp_path: Path, station: str, code: str
) -> None:
    """Only a station of the published register gets a sheet; no file is left otherwise."""
    out = tmp_path / "sheet.json"
    arguments = ["--data", str(published), "--parent-url", "http://x", "--out", str(out)]
    assert code == run("voucher", station, *arguments, expect=1)["code"]
    assert not out.exists()


def test_staff_code_is_for_central_staff_alone(published: Path) -> None:
    """Staff of a station get their codes at their station."""
    answer = run("staff-code", "KM0000-01", "--data", str(published))
    assert 8 == len(answer["code"])
    refused = run("staff-code", "CG0111-01", "--data", str(published), expect=1)
    assert "unknown_staff" == refused["code"]


def test_status_lists_the_tree_and_the_editions(published: Path) -> None:
    """Every station of the register is listed under its parent, enrolled or not."""
    answer = run("status", "--data", str(published))
    assert 7 == len(answer["stations"])
    assert [CENTRAL, "CG0001", "CG0101"] == [s["code"] for s in answer["stations"][:3]]
    assert [True, False] == [s["enrolled"] for s in answer["stations"][:2]]
    assert 19 == len(answer["registers"])


def test_doctor_ends_in_one_next_step(published: Path, tmp_path: Path) -> None:
    """A healthy central needs nothing; a fresh one is told what comes first."""
    assert run("doctor", "--data", str(published))["ok"]
    data = str(tmp_path / "data")
    run("init", "--data", data, "--station", CENTRAL)
    found = run("doctor", "--data", data, expect=3)
    assert f"yizhan-central catalogue import --data {data}" == found["next_step"]


def test_doctor_sees_an_open_key_file(tmp_path: Path) -> None:
    """A key others can read comes first."""
    data = tmp_path / "data"
    run("init", "--data", str(data), "--station", CENTRAL)
    (data / "authority.key").chmod(0o644)
    found = run("doctor", "--data", str(data), expect=3)
    assert "chmod 600" in found["next_step"]


def test_commands_without_a_central_say_so(tmp_path: Path) -> None:
    """A folder without central is an environment problem with its remedy."""
    answer = run("status", "--data", str(tmp_path / "nothing"), expect=4)
    assert "init" in answer["sentence"]


def test_usage_errors_end_with_two() -> None:
    """A missing option is click's own exit code."""
    assert 2 == CliRunner().invoke(cli, ["publish"]).exit_code


def test_help_is_chinese_and_lists_exit_codes() -> None:
    """The help says what each exit code means."""
    text = CliRunner().invoke(cli, ["--help"]).output
    assert "退出码" in text
    assert "驿站中心" in text


def with_stations(tmp_path: Path, change: Callable[[str], str]) -> Path:
    """Return a catalogue folder whose station table is the shipped one, changed."""
    folder = tmp_path / "catalogue"
    shutil.copytree(SHIPPED_DATA, folder)
    for file in DEMO_INVENTORY.iterdir():
        shutil.copy(file, folder)
    table = folder / "stations.csv"
    table.write_text(change(table.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def test_an_import_tells_who_moved_and_keeps_where_it_was(tmp_path: Path, published: Path) -> None:
    """The plan names the move; a second import of the same table has none."""
    folder = with_stations(
        tmp_path,
        lambda text: text.replace("village,CG0101,530114003002", "village,CG0201,530114003002"),
    )
    answer = run("catalogue", "import", "--data", str(published), "--from", str(folder))
    assert [("moved", "CG0112", "CG0101", "CG0201")] == [
        (step["kind"], step["station"], step["before"], step["after"])
        for step in answer["stations"]
    ]
    again = run("catalogue", "import", "--data", str(published), "--from", str(folder))
    assert [] == again["stations"]
    run("catalogue", "import", "--data", str(published))


def test_a_station_left_out_of_the_table_is_refused(tmp_path: Path, published: Path) -> None:
    """Nobody falls out of the register unnoticed: the import says whom it misses, and stops."""
    folder = with_stations(tmp_path, str)
    for name in ("stations.csv", "services_demo.csv", "staff.csv"):
        lines = (folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / name).write_text("".join(x for x in lines if "CG0112" not in x), encoding="utf-8")
    answer = run("catalogue", "import", "--data", str(published), "--from", str(folder), expect=1)
    assert "station_gone" == answer["code"]
