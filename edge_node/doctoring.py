"""The checks of `doctor`: what is found, in one sentence each, and the one thing to do next."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_node import cli
from node import enrolment, troubles
from node.schema import SCHEMA
from node.situation import Situation, situation
from sync.protocol.errors import SyncError
from sync.signing import read_key
from sync.store.database import Database
from ui import assets

FREE_BYTES_MIN: Final = 500 * 1024 * 1024
CLOCK_SLACK_MS: Final = 5 * 60 * 1000
GOOD, WARNING, BAD = "good", "warning", "bad"
_WORDS: Final = {GOOD: "正常", WARNING: "注意", BAD: "问题"}
_NOTHING: Final = "不用做什么,一切正常。"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, how it came out, a sentence, and what to do if it is not good."""

    check: str
    level: str
    sentence: str
    step: str = ""

    @property
    def word(self) -> str:
        """The level in Chinese."""
        return _WORDS[self.level]

    def as_json(self) -> dict[str, str]:
        """The finding as JSON values."""
        return {"check": self.check, "level": self.level, "sentence": self.sentence}


def examine(data: Path, now_ms: int) -> list[Finding]:
    """All findings, the gravest matters first checked; later checks need the earlier ones."""
    return list(_examine(data, now_ms))


def next_step(findings: list[Finding]) -> str:
    """The one thing to do next: the first problem's, else the first warning's."""
    for level in (BAD, WARNING):
        for item in findings:
            if item.level == level and item.step:
                return item.step
    return _NOTHING


def exit_code(findings: list[Finding]) -> int:
    """0 all good, 3 warnings only, 1 a problem."""
    levels = {item.level for item in findings}
    if BAD in levels:
        return cli.FAILED
    return cli.DEGRADED if WARNING in levels else cli.OK


def _examine(data: Path, now_ms: int) -> Iterator[Finding]:
    try:
        file = enrolment.read_node(data)
    except (FileNotFoundError, SyncError):
        step = f"用“yizhan-node enrol 入网单 --data {data}”入网。"
        yield Finding("enrolled", BAD, "这个目录里没有已入网的站点。", step)
        return
    yield Finding("enrolled", GOOD, f"站点 {file.station},上级 {file.parent}。")
    yield _keys(data)
    yield _space(data)
    yield _page_files()
    if not (data / enrolment.NODE_DATABASE).exists():
        step = f"用“yizhan-node run --data {data}”启动。"
        yield Finding("database", WARNING, "站点还没有启动过。", step)
        return
    key = read_key(data / enrolment.DATABASE_KEY)
    try:
        database = Database(data / enrolment.NODE_DATABASE, key, schema=SCHEMA, must_exist=True)
    except SyncError as error:
        yield Finding("database", BAD, error.sentence, "保留数据目录原样,联系县运维。")
        return
    try:
        core = enrolment.core_of(file, data)
        with database.read() as transaction:
            state = situation(core, transaction)
            editions = transaction.editions()
            own = transaction.log(core.log)
            last = transaction.log_events(core.log, own.position - 1, 1) if own else ()
    finally:
        database.close()
    yield Finding("database", GOOD, f"数据库完好,存有 {state.held} 条记录。")
    yield _clock(last[0].received_ms if last else 0, now_ms)
    yield _catalogue(len(editions), file.parent)
    yield _road(state, file.parent, file.parent_url)


def _keys(data: Path) -> Finding:
    names = (enrolment.SIGN_KEY, enrolment.ENCRYPT_KEY, enrolment.DATABASE_KEY)
    for name in names:
        path = data / name
        if not path.is_file():
            return Finding("keys", BAD, f"缺少密钥文件 {name}。", "从备份恢复数据目录,联系县运维。")
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            step = f"运行 chmod 600 {path}"
            return Finding("keys", BAD, f"密钥文件 {name} 别的用户也能读。", step)
    return Finding("keys", GOOD, "密钥文件齐全,只有本程序能读(能防拷贝文件,防不了整机被盗)。")


def _space(data: Path) -> Finding:
    free = shutil.disk_usage(data).free
    shown = f"数据盘剩余 {free // (1024 * 1024)} MB。"
    if free < FREE_BYTES_MIN:
        return Finding("disk", WARNING, shown, "清理数据盘,至少留出 500 MB。")
    return Finding("disk", GOOD, shown)


def _page_files() -> Finding:
    lacking = [item.name for item in assets.missing()]
    if lacking:
        step = "运行 python -m ui.assets 补齐。"
        return Finding("page_files", WARNING, f"缺少页面文件 {'、'.join(lacking)}。", step)
    return Finding("page_files", GOOD, "页面文件齐全。")


def _clock(last_ms: int, now_ms: int) -> Finding:
    if last_ms > now_ms + CLOCK_SLACK_MS:
        return Finding(
            "clock", BAD, "本机时间早于最后一条记录,期限会算错。", "核对并改正本机日期和时间。"
        )
    return Finding("clock", GOOD, "本机时间不早于最后一条记录。")


def _catalogue(count: int, parent: str) -> Finding:
    if not count:
        step = f"检查到上级 {parent} 的线路,等第一份目录。"
        return Finding("catalogue", WARNING, "还没有收到任何目录,暂时不能受理。", step)
    return Finding("catalogue", GOOD, f"有 {count} 份目录。")


def _road(state: Situation, parent: str, url: str) -> Finding:
    unsent = state.rungs.local
    if state.halted:
        sentence = f"本机暂停办理:{troubles.why(state.halted)}。"
        return Finding("road", BAD, sentence, "打开“上报情况”页,把核对码报给县运维。")
    if state.frozen or state.verdict.partition("/")[0] in ("fork", "rewind", "revoked"):
        return Finding(
            "road", BAD, f"上级 {parent} 不再接收本站的新记录。", "停止受理,联系县运维。"
        )
    if not state.parent_answers:
        sentence = f"上级 {parent} 没有应答,{unsent} 条记录还在本站,没有丢失。"
        return Finding("road", WARNING, sentence, f"检查站点程序是否在运行,以及到 {url} 的线路。")
    return Finding("road", GOOD, f"上级 {parent} 有应答,未上传 {unsent} 条。")
