"""How far something has come, and what is wrong with the road, in the words clerks read.

Never a success word while anything is still under way; the neighbour that does not answer is
called by its name.
"""

from __future__ import annotations

from typing import Final

from edge_node import life_words
from node.situation import BACKED_UP, CENTRAL, LOCAL, PARENT, Situation
from sync.protocol import rounds
from sync.protocol.errors import VersionsApart
from ui import words

DAY_MS: Final = 24 * 3600 * 1000

VERDICT_SENTENCES: Final = {
    rounds.PROVE: "上级正在核对本机是不是登记的那一台,核对完自动继续。资料都在本站。",
    rounds.REWIND: (
        "上级手里的本站记录比本机的多:本机可能恢复过旧备份。新办的件暂时传不上去,都在本站没有丢失。"
        "请马上联系县运维,不要继续受理。"
    ),
    rounds.FORK: (
        "发现本站有两份不同的记录:可能有另一台机器也在以本站名义工作。本站新办的件暂时传不上去,"
        "都在本站没有丢失。请马上联系县运维。"
    ),
    rounds.REVOKED: "本站的登记已被中心停用,不再接收本站的新记录。资料都在本站。请联系县运维。",
    rounds.APART: VersionsApart.sentence,
    rounds.BUSY: "上级正忙,稍后自动再试。资料都在本站,没有丢失。",
}
_STOPPING: Final = (rounds.REWIND, rounds.FORK, rounds.REVOKED, rounds.APART)


def rung_words(rung: str, *, parent_name: str, parent_is_central: bool) -> str:
    """The rung as a sentence part; a tick only from central on."""
    if rung == LOCAL:
        return f"已保存在本站,还没有传到{parent_name}"
    if rung == PARENT:
        waiting = ",等中心确认" if parent_is_central else ",等它转报"
        return f"已传到{parent_name}{waiting}"
    return {CENTRAL: "✓ 已到中心", BACKED_UP: "✓ 已到中心,已备份"}[rung]


def verdict_of(state: Situation) -> str:
    """The verdict without its reason; a frozen log counts as a fork."""
    return rounds.FORK if state.frozen else state.verdict.partition("/")[0]


def verdict_sentence(state: Situation) -> str:
    """What is wrong: why this node halted, else the parent's last answer; empty if nothing is."""
    if state.halted:
        return life_words.sentence(state.halted)
    return VERDICT_SENTENCES.get(verdict_of(state), "")


def stopped(state: Situation) -> bool:
    """True if nothing of this station will be taken until a person has acted."""
    return bool(state.halted) or verdict_of(state) in _STOPPING


def home_sentence(state: Situation, *, own: str, parent: str) -> str:
    """Says plainly when a fallback stands in for the parent; empty at the own parent."""
    if state.own_parent in ("", state.parent):
        return ""
    return (
        f"{own}联系不上,现在暂时由备用上级{parent}接收本站的记录。{own}恢复后自动改回,"
        "办件照常办理,没有丢失,不需要做什么。"
    )


def road_sentence(
    state: Situation, *, parent_name: str, parent_is_central: bool, now_ms: int
) -> str:
    """Whether the parent answers, since when not, and what that means for the clerk."""
    if verdict_of(state) == rounds.APART:
        return f"{parent_name}有应答,但和本站的程序版本相差太大。"
    if not state.parent_answers:
        since = (
            f"上次联系是 {words.clock(state.last_success_ms, now_ms)}"
            if state.last_success_ms
            else "还没有联系上过"
        )
        sentence = (
            f"{parent_name}没有应答,{since}。办件不受影响,都已保存在本站,没有丢失;"
            "联系上后自动上传。"
        )
        if state.last_success_ms and now_ms - state.last_success_ms > DAY_MS:
            sentence += "已经断了一天以上,请联系县运维。"
        return sentence
    if state.rungs.parent and not parent_is_central:
        return (
            f"{parent_name}有应答。有 {state.rungs.parent} 条已传到{parent_name},等它转报中心;"
            "什么时候到中心,要看它的线路。"
        )
    return f"{parent_name}有应答,最近一次是 {words.clock(state.last_success_ms, now_ms)}。"
