"""What a clerk reads while this machine's own log stands still: what happened, and what to do."""

from __future__ import annotations

from typing import Final

from node.troubles import Own
from sync.protocol import lives

_SAFE: Final = "以前传到上级的记录都在,没有丢失。"
_SENTENCES: Final = {
    lives.REWIND: "上级手里的本站记录比本机的多:本机可能恢复过旧备份或旧快照。暂停办理,只能查看。"
    + _SAFE,
    lives.BEHIND: "本机丢了自己写过的记录:可能恢复过旧备份或旧快照。暂停办理,只能查看。" + _SAFE,
    lives.RESTORED: "本机刚从备份恢复,正在取回备份之后的记录。暂停办理,只能查看。" + _SAFE,
    lives.REBUILT: "本机是新换的机器,正在从上级取回本站的记录。取完自动开始办理。" + _SAFE,
    lives.FORK: (
        "本机与另一台机器用了同一身份:同一条记录有两份不同的内容。暂停办理,只能查看。" + _SAFE
    ),
    lives.SECOND_COPY: "本机与另一台机器用了同一身份,两台都在联系上级。暂停办理,只能查看。" + _SAFE,
    lives.OLDER_LIFE: (
        "本站已经换到另一台机器继续办理,这一台是旧的,请停用。这一台多出来的记录会交上去,由人核对。"
    ),
}


def sentence(reason: str) -> str:
    """Why this machine records nothing, and what is safe."""
    return _SENTENCES.get(reason, "本机暂停办理,只能查看。" + _SAFE)


def steps(own: Own | None, parent: str) -> list[str]:
    """What to do now, one line each; none while all is well."""
    if own is None:
        return []
    above = parent or "上级"
    if own.reason == lives.OLDER_LIFE:
        return ["请关掉这一台,用新机器办理。", "有疑问请给县运维打电话,报上本机核对码。"]
    if own.reason == lives.REBUILT:
        return [f"保持开机并连着{above},取完自动开始办理。", "急件请先用纸记录。"]
    found = ["来办事的人请先用纸登记,不要在本机反复试。"]
    if own.reason in (lives.FORK, lives.SECOND_COPY):
        found.append(
            "请找一找:是不是有另一台电脑、复制的硬盘或虚拟机也在以本站名义运行?先把它关掉。"
        )
    if own.voucher:
        return [*found, f"中心已批准。保持开机并连着{above},取回记录后自动恢复办理。"]
    return [*found, "请给县运维打电话,报上下面的核对码;中心批准后本机自动恢复办理。"]
