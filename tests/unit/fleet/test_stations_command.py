"""`yizhan stations`: what the IT desk gets from a table, through the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fleet.__main__ import cli

TABLE = """站点代码,站点名称,层级,上级站点,区划代码,到达方式,管理地址,跳板机,os,arch,fallbacks,url
KM0000,中心,central,,530100000000,ssh,10.0.0.1,,debian12,x86_64,,https://10.0.0.1:8443
CG0001,区,district,KM0000,530114000000,ssh,10.0.1.1:2222,,debian12,x86_64,,https://10.0.1.1:8443
CG0101,街道,township,CG0001,530114003000,jump,10.0.2.1,ops@CG0001,debian11,x86_64,KM0000,https://10.0.2.1:8443
CG0111,社区一,village,CG0101,530114003004,jump,10.0.3.1,ops@10.0.2.1:22,kylinv10,aarch64,,
CG0112,社区二,village,CG0101,530114003002,pull,,,,,,
GD0001,另一区,district,KM0000,530111000000,ssh,10.1.1.1,,debian12,x86_64,,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table as a county office saves it."""
    path = tmp_path / "stations.csv"
    path.write_bytes(TABLE.encode("gbk"))
    return path


def run(*arguments: str | Path, expect: int = 0) -> str:
    """Run a command and return what it printed."""
    result = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert expect == result.exit_code, result.output
    return result.output


def inventory(*arguments: str | Path) -> dict[str, Any]:
    """Return the inventory that the command prints."""
    found: dict[str, Any] = json.loads(run("stations", "inventory", *arguments))
    return found


def test_a_host_says_how_it_is_reached_and_whose_child_it_is(table: Path) -> None:
    """Address, port, jump host by code or by name, parent and its address."""
    hosts = inventory(table)["_meta"]["hostvars"]
    assert ("10.0.1.1", 2222) == (hosts["CG0001"]["ansible_host"], hosts["CG0001"]["ansible_port"])
    assert "-o ProxyJump=ops@10.0.1.1:2222" == hosts["CG0101"]["ansible_ssh_common_args"]
    assert "-o ProxyJump=ops@10.0.2.1:22" == hosts["CG0111"]["ansible_ssh_common_args"]
    assert ("CG0001", "https://10.0.1.1:8443", True, ["KM0000"]) == (
        hosts["CG0101"]["yizhan_parent"],
        hosts["CG0101"]["yizhan_parent_url"],
        hosts["CG0101"]["yizhan_has_children"],
        hosts["CG0101"]["yizhan_fallbacks"],
    )
    assert not hosts["CG0111"]["yizhan_has_children"]
    assert "ansible_port" not in hosts["KM0000"]


def test_groups_by_tier_county_machine_and_road(table: Path) -> None:
    """Every reachable host is in one group of each kind; those that only call out are in none."""
    found = inventory(table)
    assert ["CG0111"] == found["tier_village"]["hosts"]
    assert ["CG0001", "CG0101", "CG0111"] == sorted(found["county_CG0001"]["hosts"])
    assert ["CG0111"] == found["machine_kylinv10_aarch64"]["hosts"]
    assert ["CG0101", "CG0111"] == sorted(found["reach_jump"]["hosts"])
    assert "CG0112" not in found["_meta"]["hostvars"]
    assert sorted(found.keys() - {"_meta", "all"}) == found["all"]["children"]


def test_one_county_holds_only_its_own(table: Path) -> None:
    """Neither central nor the other county is in it; a code that is no county is refused."""
    found = inventory(table, "--county", "CG0001")
    assert {"CG0001", "CG0101", "CG0111"} == found["_meta"]["hostvars"].keys()
    assert "CG0101" in run("stations", "inventory", table, "--county", "CG0101", expect=1)


def test_the_inventory_is_written_to_a_file(table: Path, tmp_path: Path) -> None:
    """The file holds what would have been printed."""
    out = tmp_path / "hosts.json"
    assert "5 台" in run("stations", "inventory", table, "--out", out)
    assert inventory(table) == json.loads(out.read_text(encoding="utf-8"))


def test_check_counts_and_refuses_with_lines(table: Path, tmp_path: Path) -> None:
    """A good table is counted; a bad one is refused with every line."""
    assert "共 6 个站点,没有问题。" in run("stations", "check", table)
    bad = tmp_path / "bad.csv"
    bad.write_text(TABLE.replace("CG0111,社区一", "CG0101,社区一").replace("ssh,10.1.1.1", "ssh,"))
    answer = json.loads(run("stations", "check", bad, "--json", expect=1))
    assert [("duplicate_code", 5), ("no_address", 7)] == [
        (one["code"], one["line"]) for one in answer["problems"]
    ]


def test_plan_tells_the_steps(table: Path, tmp_path: Path) -> None:
    """A village moved to the district shows as one step with both parents."""
    after = tmp_path / "after.csv"
    after.write_text(TABLE.replace("社区一,village,CG0101", "社区一,village,CG0001"))
    answer = json.loads(run("stations", "plan", table, after, "--json"))
    assert [
        {
            "kind": "moved",
            "station": "CG0111",
            "name": "社区一",
            "before": "CG0101",
            "after": "CG0001",
        }
    ] == answer["steps"]
    assert "换上级  CG0111" in run("stations", "plan", table, after)


def test_fifteen_thousand_stations_are_read_and_all_are_in_it(tmp_path: Path) -> None:
    """A province in one table: every station arrives, each below its own county."""
    lines = [TABLE.splitlines()[0], TABLE.splitlines()[1]]
    for county in range(100):
        division = f"5302{county:02d}"
        lines.append(f"D{county:05d},区,district,KM0000,{division}000000,ssh,10.1.{county}.1,,,,,")
        lines += [
            f"V{county:03d}{village:03d},村,village,D{county:05d},{division}{village:06d},"
            f"ssh,10.2.{county}.{village},,,,,"
            for village in range(154)
        ]
    table = tmp_path / "province.csv"
    table.write_text("\n".join(lines))
    found = inventory(table)
    assert 15_501 == len(found["_meta"]["hostvars"])
    assert 155 == len(found["county_D00042"]["hosts"])
