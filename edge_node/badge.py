"""The badge in the header: reckoned from the cursors each time, never cached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_node import sync_words
from node.facts import is_case_fact
from node.situation import Situation, situation
from sync.engine.core import Core
from sync.engine.record import own_log
from sync.protocol.ports import Transaction
from ui import words
from ui.pages import Badge

if TYPE_CHECKING:
    from edge_node.site import Look

COUNTED_MAX: Final = 1000
"""Beyond so many unsent records the badge says 以上 instead of counting on."""


def of(look: Look, core: Core) -> Badge:
    """The badge as of this look."""
    state = situation(core, look.transaction)
    parent = look.name(state.parent)
    return badge(
        state,
        cases=unsent_cases(core, look.transaction),
        parent_name=parent,
        parent_is_central=state.parent == core.root,
        now_ms=look.now_ms,
    )


def unsent_cases(core: Core, transaction: Transaction) -> int:
    """How many cases have records of this station that the parent does not have yet."""
    own = own_log(core, transaction)
    unsent = transaction.log_events(core.log, own.parent_position, COUNTED_MAX)
    return len({stored.stream for stored in unsent if is_case_fact(stored)})


def badge(
    state: Situation, *, cases: int, parent_name: str, parent_is_central: bool, now_ms: int
) -> Badge:
    """The badge for a situation; ✓ only when everything is at central."""
    unsent = _unsent_words(state, cases)
    detail = sync_words.verdict_sentence(state) or sync_words.road_sentence(
        state, parent_name=parent_name, parent_is_central=parent_is_central, now_ms=now_ms
    )
    if sync_words.stopped(state):
        return Badge("bad", "✕", f"上报已停,请看说明{unsent}", detail)
    if not state.parent_answers:
        return Badge("cut", "⚠", f"{_cut_words(state, now_ms)}{unsent}", detail)
    if state.refused or state.set_aside:
        return Badge("bad", "!", f"{state.refused + state.set_aside} 条需要确认{unsent}", detail)
    if state.rungs.local:
        return Badge("waiting", "↑", unsent.removeprefix(" · "), detail)
    if state.rungs.parent or state.carried:
        place = f"已传到{parent_name}"
        waiting = "等中心确认" if parent_is_central else "等它转报"
        if not state.rungs.parent:
            return Badge("waiting", "↑", f"待转报下级记录 {state.carried} 条", detail)
        return Badge("waiting", "↑", f"{place},{waiting}", detail)
    return Badge("ok", "✓", f"全部已到中心 {words.clock(state.last_success_ms, now_ms)}", detail)


def _cut_words(state: Situation, now_ms: int) -> str:
    if not state.last_success_ms:
        return "还没有连上上级"
    if now_ms - state.last_success_ms > sync_words.DAY_MS:
        return f"已断网 {words.age(state.last_success_ms, now_ms)}"
    return "断网办理中"


def _unsent_words(state: Situation, cases: int) -> str:
    if cases:
        return f" · 待上报 {cases} 件"
    return f" · 待上报本站记录 {state.rungs.local} 条" if state.rungs.local else ""
