"""The station table as an Ansible inventory: one JSON, groups by tier, county, machine and road.

Only stations that Ansible can reach (`ssh`, `jump`) are in it; how the others are served is not its
business. No secret is in it, and no check of host keys is turned off by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stations.host import JUMP, SSH, split_port
from stations.row import StationRow
from stations.tree_checks import COUNTY_TIER, ancestors

REACHED = (SSH, JUMP)
UNKNOWN = "unknown"
Inventory = dict[str, Any]
Rows = Mapping[str, StationRow]


class NoSuchCounty(Exception):
    """A county was asked for that the table does not have."""

    code = "no_such_county"

    def __init__(self, county: str) -> None:
        super().__init__(county)
        self.sentence = f"表里没有层级为 district 的站点“{county}”,请检查代码。"


def build(rows: Sequence[StationRow], county: str = "") -> Inventory:
    """Return the inventory of a table, or of one county of it.

    Shapes: the JSON that Ansible's script plugin reads, host variables under `_meta`; a host is
    named by its station's code. `county` is the code of a district's station.
    Raises: NoSuchCounty.
    """
    by_code = {row.code: row for row in rows}
    if county and (county not in by_code or by_code[county].tier != COUNTY_TIER):
        raise NoSuchCounty(county)
    parents = {row.parent for row in rows}
    hosts: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        in_county = county_of(row, by_code)
        if row.host.reach not in REACHED or (county and county != in_county):
            continue
        hosts[row.code] = _variables(row, by_code, has_children=row.code in parents)
        for group in _groups(row, in_county):
            groups[group].append(row.code)
    found: Inventory = {"_meta": {"hostvars": hosts}, "all": {"children": sorted(groups)}}
    return found | {name: {"hosts": groups[name]} for name in sorted(groups)}


def county_of(row: StationRow, by_code: Rows) -> str:
    """Return the code of the district a station lies in, "" above the districts."""
    path = [row, *ancestors(row, by_code)]
    return next((one.code for one in path if one.tier == COUNTY_TIER), "")


def _groups(row: StationRow, county: str) -> Iterator[str]:
    yield f"tier_{row.tier}"
    yield f"reach_{row.host.reach}"
    yield f"machine_{row.host.os or UNKNOWN}_{row.host.arch or UNKNOWN}"
    if county:
        yield f"county_{county}"


def _variables(row: StationRow, by_code: Rows, *, has_children: bool) -> dict[str, Any]:
    address, port = split_port(row.host.address)
    parent = by_code.get(row.parent)
    variables: dict[str, Any] = {
        "ansible_host": address,
        "yizhan_station": row.code,
        "yizhan_name": row.name,
        "yizhan_tier": row.tier,
        "yizhan_parent": row.parent,
        "yizhan_parent_url": parent.url if parent is not None else "",
        "yizhan_url": row.url,
        "yizhan_has_children": has_children,
        "yizhan_fallbacks": list(row.fallbacks),
        "yizhan_ntp": list(row.host.ntp),
        "yizhan_proxy": row.host.proxy,
        "yizhan_os": row.host.os,
        "yizhan_arch": row.host.arch,
        "yizhan_metrics_listen": row.host.metrics_listen,
    }
    if port:
        variables["ansible_port"] = int(port)
    if row.host.reach == JUMP:
        variables["ansible_ssh_common_args"] = f"-o ProxyJump={jump_of(row, by_code)}"
    return variables


def jump_of(row: StationRow, by_code: Rows) -> str:
    """Return where to jump through, `user@address:port`; a station of the table may be named."""
    user, at, place = row.host.jump.rpartition("@")
    station = by_code.get(place)
    if station is not None and station.host.address:
        place = station.host.address
    return f"{user}{at}{place}"
