"""doctor: looks at everything central needs and ends in one next step."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from central import approvals, authority_key
from central.catalogue import shelves_published, staged
from central.supervision import Fleet
from node import enrolment
from node.program import Node

FREE_BYTES_MIN = 1024**3
CONTACT_AGE_MS_MAX = 24 * 3600 * 1000
"""Withholding alarms after 24 h without progress (DESIGN 7)."""
SECRETS = (
    authority_key.AUTHORITY_KEY,
    enrolment.SIGN_KEY,
    enrolment.ENCRYPT_KEY,
    enrolment.DATABASE_KEY,
)


class Finding(NamedTuple):
    """One thing looked at; `step` says what to do when it is not well."""

    name: str
    ok: bool
    sentence: str
    step: str = ""


def look(node: Node, folder: Path) -> list[Finding]:
    """Return what was found, in order of urgency."""
    return [*_files(folder), *_contents(node, folder)]


def next_step(findings: list[Finding]) -> str:
    """Return the one thing to do now."""
    return next((f.step for f in findings if not f.ok), "一切正常,不需要做什么。")


def _files(folder: Path) -> Iterator[Finding]:
    for name in SECRETS:
        path = folder / name
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
        if not mode:
            yield Finding(name, False, f"缺少 {name}。", f"从备份恢复 {name}。")
        elif mode & 0o077:
            yield Finding(name, False, f"{name} 别人也能读。", f"运行 chmod 600 {path}")
        else:
            yield Finding(name, True, f"{name} 在,只有本人可读。")
    free = shutil.disk_usage(folder).free
    yield Finding(
        "disk",
        free >= FREE_BYTES_MIN,
        f"磁盘剩余 {free // 1024**2} MB。",
        "清理磁盘,至少留出 1 GB。",
    )


def _contents(node: Node, folder: Path) -> Iterator[Finding]:
    with node.database.read() as transaction:
        waiting = staged(transaction)
        shelves = shelves_published(transaction)
        lines = Fleet(node, transaction).lines()
        pinned = authority_key.load(folder).public_key() in node.core.authority
    yield Finding(
        "authority",
        pinned,
        "签发密钥与中心登记的一致。" if pinned else "签发密钥不是建立中心时的那一把。",
        "用建立中心时备份的 authority.key 换回来。",
    )
    yield Finding(
        "catalogue",
        bool(waiting),
        "目录已导入。" if waiting else "还没有导入目录。",
        f"yizhan-central catalogue import --data {folder}",
    )
    yield Finding(
        "published",
        bool(shelves),
        f"已发布 {len(shelves)} 个分册。" if shelves else "目录还没有发布。",
        f"yizhan-central publish --data {folder}",
    )
    kept = node.database.keeps_commits
    yield Finding(
        "commits",
        kept,
        "数据库每次保存都写到磁盘。"
        if kept
        else "数据库服务器没有等磁盘写完就说已保存,断电会丢数据。",
        "在 PostgreSQL 里设 fsync = on、full_page_writes = on,重新载入配置。",
    )
    with node.database.read() as transaction:
        asking = sorted({one.ask.station for one in approvals.open_asks(transaction)})
    yield Finding(
        "asks",
        not asking,
        f"等待批准的站点:{'、'.join(asking)}。" if asking else "没有等待批准的站点。",
        f"yizhan-central lives list --data {folder}",
    )
    now = node.clock_ms()
    frozen = [line.code for line in lines if line.frozen]
    suspect = [line.code for line in lines if line.suspect]
    silent = [
        line.code
        for line in lines
        if line.enrolled and now - line.last_contact_ms > CONTACT_AGE_MS_MAX
    ]
    for name, codes, words in (
        ("frozen", frozen, "日志被冻结"),
        ("suspect", suspect, "可能有两台机器用同一身份"),
        ("withheld", [line.code for line in lines if line.withheld], "有联系但一天没有进展"),
        ("silent", silent, "超过 24 小时没有联系"),
    ):
        listed = "、".join(codes)
        sentence = f"{words}的站点:{listed}。" if codes else f"没有{words}的站点。"
        yield Finding(name, not codes, sentence, f"在控制台打开站点 {listed} 查看原因。")
