"""The columns of the station table about machines: how each is reached and what it is.

The values end up in SSH and Ansible settings, so each has a narrow form: nothing that begins with
a dash, holds a blank or means something to a shell.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from stations.csv_file import CsvRow
from stations.errors import Findings

SSH = "ssh"
JUMP = "jump"
PULL = "pull"
STICK = "stick"
REACHES = (SSH, JUMP, PULL, STICK)
"""How IT staff reach a machine: directly, through a named host, not at all, or by a stick."""
REACH_WORDS = {"直连": SSH, "跳板": JUMP, "主动": PULL, "U盘": STICK}
ARCHITECTURES = ("x86_64", "aarch64")
SYSTEMS = ("debian12", "debian11", "kylinv10", "uos20", "openeuler22")
SEPARATOR = "|"
NTP_MAX = 4
URL_CHARACTERS_MAX = 200
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(\.{LABEL})*")
USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
PORT = re.compile(r"[1-9][0-9]{0,4}")
PORT_MAX = 65535
NO_PORT = "?"
"""What stands for a port that was begun and not given."""


@dataclass(frozen=True, slots=True)
class Host:
    """How the machine of a station is reached and what it is; empty where the table is silent.

    Shapes: `address` a host name or an IP address, with `:port` where SSH is not on 22 (an IPv6
    address in brackets then); `jump` the same with `user@` before it where it is another user;
    `proxy` an http URL; `ntp` names or addresses; `metrics_listen` `address:port`.
    """

    reach: str = ""
    address: str = ""
    jump: str = ""
    proxy: str = ""
    ntp: tuple[str, ...] = ()
    os: str = ""
    arch: str = ""
    metrics_listen: str = ""


NO_HOST = Host()


def parts(value: str) -> tuple[str, ...]:
    """Return the values of a cell that holds several."""
    return tuple(part.strip() for part in value.split(SEPARATOR) if part.strip())


def read_host(raw: CsvRow, findings: Findings) -> Host:
    """Return what a line says of its machine and note what is wrong with it."""
    host = Host(
        reach=REACH_WORDS.get(raw["reach"], raw["reach"]),
        address=raw["address"],
        jump=raw["jump"],
        proxy=raw["proxy"].rstrip("/"),
        ntp=parts(raw["ntp"]),
        os=raw["os"].lower(),
        arch=raw["arch"],
        metrics_listen=raw["metrics_listen"],
    )
    _check_reach(host, raw.line, findings)
    _check_words(host, raw.line, findings)
    if host.proxy and not is_http_url(host.proxy):
        findings.add(
            "bad_proxy",
            raw.line,
            f"第 {raw.line} 行:代理请写成 http://地址:端口,不带用户名和路径。",
        )
    if len(host.ntp) > NTP_MAX or not all(is_place(one, port=False) for one in host.ntp):
        findings.add(
            "bad_ntp",
            raw.line,
            f"第 {raw.line} 行:时间源请填地址或主机名,多个用 | 隔开,最多 {NTP_MAX} 个。",
        )
    if host.metrics_listen and not _is_listen(host.metrics_listen):
        findings.add(
            "bad_metrics_listen",
            raw.line,
            f"第 {raw.line} 行:指标监听请写成 IP地址:端口,例如 10.0.0.1:9801。",
        )
    return host


def _check_reach(host: Host, line: int, findings: Findings) -> None:
    if host.reach and host.reach not in REACHES:
        findings.add(
            "bad_reach",
            line,
            f"第 {line} 行:到达方式无法识别,请填 {'、'.join(REACHES)} 之一"
            f"(或 {'、'.join(REACH_WORDS)})。",
        )
    if host.address and not is_place(host.address, port=True):
        findings.add(
            "bad_address", line, f"第 {line} 行:管理地址请填 IP 地址或主机名,可带“:端口”。"
        )
    if host.reach in (SSH, JUMP) and not host.address:
        findings.add(
            "no_address", line, f"第 {line} 行:到达方式是 {host.reach},请填管理地址,或改到达方式。"
        )
    if host.reach == JUMP and not host.jump:
        findings.add("no_jump", line, f"第 {line} 行:到达方式是 jump,请填跳板机。")
    if host.jump and not is_jump(host.jump):
        findings.add("bad_jump", line, f"第 {line} 行:跳板机请写成 用户@地址:端口,用户和端口可省。")


def _check_words(host: Host, line: int, findings: Findings) -> None:
    if host.os and host.os not in SYSTEMS:
        findings.add(
            "bad_os", line, f"第 {line} 行:操作系统请填 {'、'.join(SYSTEMS)} 之一,或留空。"
        )
    if host.arch and host.arch not in ARCHITECTURES:
        findings.add(
            "bad_arch", line, f"第 {line} 行:架构请填 {'、'.join(ARCHITECTURES)} 之一,或留空。"
        )


def is_http_url(value: str) -> bool:
    """Return whether a value is `http(s)://place[:port]` and nothing more."""
    if len(value) > URL_CHARACTERS_MAX:
        return False
    try:
        found = urlsplit(value)
    except ValueError:
        return False
    rest = value.partition("://")[2]
    return found.scheme in ("http", "https") and found.netloc == rest and is_place(rest, port=True)


def is_jump(value: str) -> bool:
    """Return whether a value names a host to jump through, `user@place:port`."""
    user, at, place = value.rpartition("@")
    return (not at or USER_NAME.fullmatch(user) is not None) and is_place(place, port=True)


def is_place(value: str, *, port: bool) -> bool:
    """Return whether a value is a host name or an IP address, with a port where one may stand."""
    host, number = split_port(value) if port else (value, "")
    if number and not (PORT.fullmatch(number) and int(number) <= PORT_MAX):
        return False
    return _is_ip(host) or (HOST_NAME.fullmatch(host) is not None and not _looks_like_ip(host))


def split_port(value: str) -> tuple[str, str]:
    """Return host and port of `host`, `host:port`, `[v6]:port` or a bare IPv6 address."""
    if value.startswith("["):
        host, closed, rest = value[1:].partition("]")
        if closed and not rest:
            return host, ""
        return host, rest[1:] if rest.startswith(":") and rest[1:] else NO_PORT
    if value.count(":") == 1:
        host, _, number = value.partition(":")
        return host, number or NO_PORT
    return value, ""


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _looks_like_ip(value: str) -> bool:
    """Return whether a name is digits and dots: a mistyped address rather than a name."""
    return all(part.isdigit() for part in value.split("."))


def _is_listen(value: str) -> bool:
    host, number = split_port(value)
    return bool(number) and _is_ip(host) and is_place(value, port=True)
