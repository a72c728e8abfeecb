"""The columns about machines, roads and fallbacks: what is taken, what is refused with its line."""

from __future__ import annotations

import pytest

from stations.entries import to_register_entries
from stations.errors import ImportRefused
from stations.host import is_http_url, is_jump, is_place, split_port
from stations.row import StationRow
from stations.table import read_station_table

COLUMNS = (
    "code,name,tier,parent,division,reach,address,jump,proxy,ntp,os,arch,fallbacks,supervising,url,"
    "metrics_listen\n"
)
ROOT = "KM0000,中心,central,,530100000000,,,,,,,,,,https://10.0.0.1:8443,\n"
COUNTY = "CG0001,区,district,KM0000,530114000000,ssh,10.0.1.1,,,,,,,,https://10.0.1.1:8443,\n"


def table(*lines: str) -> bytes:
    """Return a table of the root, a county and further lines."""
    return (COLUMNS + ROOT + COUNTY + "".join(f"{line}\n" for line in lines)).encode()


def read(*lines: str) -> dict[str, StationRow]:
    """Return the rows of a table by code."""
    return {row.code: row for row in read_station_table(table(*lines), "stations.csv")}


def refused(*lines: str) -> list[tuple[str, int]]:
    """Return codes and lines of the problems of a table that is refused."""
    with pytest.raises(ImportRefused) as refusal:
        read_station_table(table(*lines), "stations.csv")
    assert all(one.sentence.endswith("。") for one in refusal.value.problems)
    return [(one.code, one.line) for one in refusal.value.problems]


def test_every_column_is_read() -> None:
    """What a line says of its machine arrives as it was written, several values apart."""
    row = read(
        "CG0101,街道,township,CG0001,530114003000,jump,10.0.2.1:2222,ops@10.0.1.1,"
        "http://10.0.0.9:3128,10.0.0.1|ntp.example,Debian11,aarch64,KM0000,CG0001,,10.0.2.1:9801"
    )["CG0101"]
    assert ("jump", "10.0.2.1:2222", "ops@10.0.1.1") == (
        row.host.reach,
        row.host.address,
        row.host.jump,
    )
    assert ("10.0.0.1", "ntp.example") == row.host.ntp
    assert ("debian11", "aarch64", "10.0.2.1:9801") == (
        row.host.os,
        row.host.arch,
        row.host.metrics_listen,
    )
    assert (("KM0000",), "CG0001", "http://10.0.0.9:3128") == (
        row.fallbacks,
        row.supervising,
        row.host.proxy,
    )


def test_chinese_titles_and_words_of_reach() -> None:
    """A table kept in Chinese says the same."""
    text = "站点代码,站点名称,层级,上级站点,区划代码,到达方式\nKM0000,中心,中心,,530100000000,U盘\n"
    (row,) = read_station_table(text.encode("gbk"), "s.csv")
    assert "stick" == row.host.reach


def test_the_register_says_where_children_call_and_who_stands_in() -> None:
    """URL, fallbacks and supervision go into the register; addresses of the IT desk do not."""
    rows = read(
        "CG0101,街道,township,CG0001,530114003000,ssh,10.0.2.1,,,,,,KM0000,CG0001,"
        "https://10.0.2.1:8443,"
    )
    entry = to_register_entries([rows["CG0101"]], "2026-01-01")[0]
    assert "https://10.0.2.1:8443" == entry["url"]
    assert ["KM0000"] == entry["fallbacks"]
    assert "CG0001" == entry["supervising"]
    assert not {"reach", "address", "jump", "proxy", "ntp", "os", "arch"} & entry.keys()


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("telnet,10.0.2.1,,,,,,,,,", "bad_reach"),
        ("ssh,,,,,,,,,,", "no_address"),
        ("jump,10.0.2.1,,,,,,,,,", "no_jump"),
        ("ssh,-oProxyCommand=x,,,,,,,,,", "bad_address"),
        ("ssh,10.0.2.256,,,,,,,,,", "bad_address"),
        ("ssh,10.0.2.1:0,,,,,,,,,", "bad_address"),
        ("ssh,10.0.2.1:65536,,,,,,,,,", "bad_address"),
        ("ssh,10.0.2.1;reboot,,,,,,,,,", "bad_address"),
        ("jump,10.0.2.1,a b@10.0.1.1,,,,,,,,", "bad_jump"),
        ("ssh,10.0.2.1,,http://u:p@10.0.0.9,,,,,,,", "bad_proxy"),
        ("ssh,10.0.2.1,,,10.0.0.1|not a name,,,,,,", "bad_ntp"),
        ("ssh,10.0.2.1,,,,windows,,,,,", "bad_os"),
        ("ssh,10.0.2.1,,,,,mips,,,,", "bad_arch"),
        ("ssh,10.0.2.1,,,,,,,,,9801", "bad_metrics_listen"),
        ("ssh,10.0.2.1,,,,,,,,ftp://10.0.2.1,", "bad_url"),
        ("ssh,10.0.2.1,,,,,,,,https://10.0.2.1/x,", "bad_url"),
        ("ssh,10.0.2.1,,,,,,KM0000|KM0000,,,", "repeated_fallback"),
        ("ssh,10.0.2.1,,,,,,CG0001,,,", "bad_fallback"),
        ("ssh,10.0.2.1,,,,,,CG0101,,,", "bad_fallback"),
        ("ssh,10.0.2.1,,,,,,XX0000,,,", "bad_fallback"),
        ("ssh,10.0.2.1,,,,,,,XX0000,,", "unknown_supervising"),
    ],
)
def test_a_bad_cell_is_refused_with_its_line(cells: str, code: str) -> None:
    """One problem, its code, the line of the file."""
    assert [(code, 4)] == refused(f"CG0101,街道,township,CG0001,530114003000,{cells}")


def test_a_fallback_below_the_station_or_without_an_address_is_refused() -> None:
    """Nobody can stand in for a parent who is below the station, or whom nobody can call."""
    lines = [
        "CG0101,街道,township,CG0001,530114003000,,,,,,,,CG0111,,https://10.0.2.1:8443,",
        "CG0111,社区,village,CG0101,530114003004,,,,,,,,CG0102,,,",
        "CG0102,街道二,township,CG0001,530114001000,,,,,,,,,,,",
    ]
    assert [("bad_fallback", 4), ("bad_fallback", 5)] == refused(*lines)


def test_a_parent_in_another_county_is_refused() -> None:
    """A station hung below the wrong district is told so by its division."""
    assert [("other_county", 4)] == refused("GD0101,街道,township,CG0001,530111003000,,,,,,,,,,,")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10.0.0.1", ("10.0.0.1", "")),
        ("10.0.0.1:22", ("10.0.0.1", "22")),
        ("fd00::1", ("fd00::1", "")),
        ("[fd00::1]:22", ("fd00::1", "22")),
        ("[fd00::1]", ("fd00::1", "")),
    ],
)
def test_addresses_and_ports_come_apart(value: str, expected: tuple[str, str]) -> None:
    """With and without a port, of both kinds."""
    assert expected == split_port(value)
    assert is_place(value, port=True)


@pytest.mark.parametrize("value", ["", "host:", "[fd00::1]x", "[fd00::1", "a..b", "-a", "1.2.3"])
def test_what_is_no_place(value: str) -> None:
    """Half addresses and what a shell or SSH would take for something else."""
    assert not is_place(value, port=True)
    assert not is_jump(f"ops@{value}")
    assert not is_http_url(f"https://{value}")
