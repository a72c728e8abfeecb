"""What became of a bundle, in the words of station workers: what happened, what to do now."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Final

from node.files import Exported, Imported
from sync.protocol import bundles, rounds
from sync.protocol.errors import (
    BadSignature,
    PeerTooOld,
    SyncError,
    UnsupportedVersion,
    VoucherRefused,
)

NameOf = Callable[[str], str]
_REFUSED: Final[dict[type[SyncError], str]] = {
    BadSignature: "数据包的签名核对不上,可能被改动过,没有导入任何内容。请对方重新导出。",
    PeerTooOld: "数据包来自过旧的程序版本,没有导入任何内容。请对方升级后重新导出。",
    UnsupportedVersion: "数据包来自更新的程序版本,没有导入任何内容。请联系县运维升级本机。",
    VoucherRefused: "做这个数据包的站点第一次来,入网凭证已过期,没有导入。请向中心申请新的入网单。",
}
_TOLD: Final = {
    rounds.FORK: "上级发现有两份不同的本站记录,可能另有一台机器以本站名义工作。请马上联系县运维。",
    rounds.REWIND: "上级发现本机可能恢复过旧备份。资料都在本站,请马上联系县运维,先不要继续受理。",
}
_FOUND: Final = {
    rounds.FORK: "它的记录与本机已有的对不上,对不上的没有采用,请联系县运维。",
    rounds.REWIND: "它给出过同一编号的另一个数据包,那台机器可能恢复过旧备份,请联系县运维。",
}


def refused(error: SyncError) -> str:
    """Return why a bundle was not taken in."""
    for kind, sentence in _REFUSED.items():
        if isinstance(error, kind):
            return sentence
    return error.sentence


def unreadable(error: OSError) -> str:
    """Return what to do about a stick that cannot be read or written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "U盘或磁盘已满,没有写完,也没有留下半个文件。请换一个U盘再试。"
    why = os.strerror(error.errno) if error.errno else "原因不明"
    return f"读写U盘出错({why}),没有改动任何内容。请重新插好再试。"


def imported(done: Imported, name_of: NameOf) -> str:
    """Return what a bundle brought, and what is still to do."""
    maker = name_of(done.maker) or done.maker
    if done.already:
        return f"{maker}的第 {done.number} 号数据包以前已经导入过,没有变化。"
    said = [f"已导入{maker}的第 {done.number} 号数据包:新收到 {done.taken} 条"]
    said.append(f",已有 {done.known} 条" if done.known else "")
    if done.way == bundles.DOWN:
        said.append(f";确认收到本站新的 {done.covered} 条" if done.covered else "")
        said.append(f";更新目录 {done.shelves} 份" if done.shelves else "")
    said.append("。")
    if done.past:
        said.append("这是较早的数据包,里面的进度已经过时,没有采用。")
    if done.gaps:
        said.append(_gap(done))
    if done.failed:
        said.append(f"有 {done.failed} 条没有通过核验,没有采用,会在该站点显示。")
    if not done.contiguous:
        said.append("上级以为本站有更早的数据包:请再导出一个数据包带给它,它会重新给齐。")
    said.append((_TOLD if done.way == bundles.DOWN else _FOUND).get(done.told, ""))
    return "".join(said)


def _gap(done: Imported) -> str:
    gap = done.gaps[0]
    first, last = done.missing
    which = (
        "" if not last else f"(第 {first} 号)" if first == last else f"(第 {first} 至 {last} 号)"
    )
    return (
        f"有 {len(done.gaps)} 份记录接不上:{gap.log.station} 的记录本机有到第 {gap.held} 条,"
        f"这里从第 {gap.at} 条开始,中间的在更早的数据包{which}里。"
        "请先导入更早的;找不到也不要紧,把回执带回去,它下一个数据包会补齐。"
    )


def exported(done: Exported, name_of: NameOf) -> str:
    """Return what was written, who can open it, and what happens next."""
    readers = "、".join(name_of(code) or code for code in done.readers)
    size = f"{max(done.size // 1024, 1)} KB"
    if done.way == bundles.UP:
        return (
            f"已导出第 {done.number} 号数据包 {done.path.name}({done.events} 条,{size})。"
            f"只有{readers}能打开,带到其中任何一级都可以。"
            "资料仍在本站;把回执带回来导入以后,才算已传到上级。"
        )
    return (
        f"已导出给{readers}的第 {done.number} 号数据包 {done.path.name}"
        f"({done.events} 条,目录文件 {done.packs} 个,{size})。只有它能打开。"
    )
