"""上报情况: true counts per rung, the road to the parent, editions, what was set aside."""

from __future__ import annotations

import threading
from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from casework.calendar import NATIONAL
from edge_node import badge, life_words
from edge_node.aside import aside_lists, own_holes
from edge_node.site import Look, Site
from edge_node.stick_state import stick_values
from edge_node.sync_words import home_sentence, road_sentence, stopped, verdict_sentence
from node import apart, traffic, troubles
from node.situation import Situation, situation
from sync.engine import revocation
from sync.protocol.ports import RECOVERED
from sync.protocol.registers import Shelf
from ui import words

LOOKS_MAX: Final = 20
LOOK_SECONDS: Final = 0.2
"""How long 立即上报 watches for the next answer before it says that it is still trying."""
REGISTER_NAMES: Final = {
    "matters": "事项目录",
    "services": "办理方式",
    "stations": "站点登记",
    "staff": "人员名册",
    "calendar": "工作日历",
}
_TIER_NAMES: Final = {
    "central": "中心",
    "district": "区县",
    "township": "街道乡镇",
    "village": "社区村",
    "all": "各级共用",
}


def sync_router(site: Site) -> APIRouter:
    """The routes /sync, /sync/now and /badge."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sync", dependencies=[Depends(site.gate.person)])
    def sync_page(request: Request, asked: int = -1) -> Response:
        with site.look() as look:
            values = sync_values(site, look)
            if asked >= 0:
                values["answer"] = answer_sentence(look, values, asked)
        return site.pages.render(request, "sync.html", **values)

    @router.post("/sync/now", dependencies=[Depends(site.gate.person)])
    def sync_now() -> Response:
        before = site.node.situation().last_attempt_ms
        failures = _failures(site)
        site.node.wake()
        waiting = threading.Event()
        for _ in range(LOOKS_MAX):
            state = site.node.situation()
            answered = state.last_success_ms >= state.last_attempt_ms > before
            if answered or _failures(site) != failures:
                break
            waiting.wait(LOOK_SECONDS)
        return RedirectResponse(f"/sync?asked={before}", status_code=303)

    @router.get("/badge", dependencies=[Depends(site.gate.onlooker)])
    def badge_piece() -> Response:
        with site.look() as look:
            shown = badge.of(look, site.node.core)
        return site.pages.fragment("_badge.html", badge=shown)

    return router


def _failures(site: Site) -> int:
    return site.node.agent.failures if site.node.agent is not None else 0


def sync_values(site: Site, look: Look) -> dict[str, Any]:
    """What the page 上报情况 shows."""
    core, transaction = site.node.core, look.transaction
    state = situation(core, transaction)
    parent = look.name(state.parent)
    is_central = state.parent == core.root
    return {
        "state": state,
        "parent": parent,
        "parent_is_central": is_central,
        "cases": badge.unsent_cases(core, transaction),
        "oldest": words.age(state.oldest_unsent_ms, look.now_ms) if state.oldest_unsent_ms else "",
        "last_contact": words.clock(state.last_success_ms, look.now_ms),
        "last_attempt": words.clock(state.last_attempt_ms, look.now_ms),
        "road": road_sentence(
            state, parent_name=parent, parent_is_central=is_central, now_ms=look.now_ms
        ),
        "traffic": traffic_sentence(look),
        "home": home_sentence(state, own=look.name(state.own_parent), parent=parent),
        "verdict": verdict_sentence(state),
        "stopped": stopped(state),
        "editions": editions(look),
        "aside": [one for one in aside_lists(look) if one[0] != RECOVERED],
        "refused": own_holes(look),
        "revoked": revocation.of(transaction, core.station),
        "own": troubles.own(transaction),
        "troubles": troubles.of_tree(transaction),
        "names": look.name,
        "own_station": site.station,
        "own_recovered": bool(troubles.of_tree(transaction, site.station).recovered),
        "why": troubles.why,
        "moment": words.moment,
        "steps": life_words.steps(troubles.own(transaction), parent),
        "answer": "",
        "apart": apart_sentences(look),
        "lane": lane_words(site),
        "stick": stick_values(site, look),
        "now": words.clock(look.now_ms, look.now_ms),
    }


def apart_sentences(look: Look) -> list[str]:
    """What the page says of children whose version this node cannot talk to."""
    return [
        apart.sentence(one, look.name(one.station), words.clock(one.at_ms, look.now_ms))
        for one in apart.children(look.transaction)
    ]


def lane_words(site: Site) -> list[str]:
    """What the second lane has still to do, and how long that takes at the measured rate."""
    left, lane = site.node.exchange.left(), site.node.blob_lane
    found: list[str] = []
    if left.to_give:
        rate = lane.rate_up if lane is not None else 0.0
        size = words.size(left.give_bytes)
        found.append(f"还有 {left.to_give} 个附件要送上去,{size}{_takes(left.give_bytes, rate)}。")
    if left.refused:
        size = words.size(left.refused_bytes)
        found.append(
            f"有 {left.refused} 个附件({size})上级现在不收:上级给本站的附件空间已满,或磁盘快满了。"
            "附件都在本站,没有丢,办件不受影响,会自动再送。请联系县运维调高上限或清理空间。"
        )
    if left.to_fetch:
        rate = lane.rate if lane is not None else 0.0
        size = words.size(left.fetch_bytes)
        found.append(
            f"还有 {left.to_fetch} 份目录或附件要取来,{size}{_takes(left.fetch_bytes, rate)}。"
        )
    aside = len(site.node.blobs.aside())
    if aside:
        found.append(f"有 {aside} 份传来的内容不对,已隔离,会自动重取,不影响别的。")
    return found


def _takes(count: int, rate: float) -> str:
    return f",按现在的线路约需 {words.duration(count / rate)}" if rate > 0 else ""


def traffic_sentence(look: Look) -> str:
    """What the link carried today and yesterday; empty before the first round."""
    days = traffic.days(look.transaction)
    if not days:
        return ""
    today = traffic.day_of(look.now_ms)
    said = [
        f"{'今天' if one.day == today else words.day(one.day)}往来 {one.rounds} 次,"
        f"上行 {_kilobytes(one.up)},下行 {_kilobytes(one.down)}"
        for one in reversed(days[-2:])
    ]
    return "与上级的线路:" + ";".join(said) + "。"


def _kilobytes(count: int) -> str:
    return f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def editions(look: Look) -> list[dict[str, str | int]]:
    """The catalogue editions held, in words; an edition's number is when it was published."""
    found: list[dict[str, str | int]] = []
    for name, edition in sorted(look.transaction.editions().items()):
        shelf = Shelf.parse(name)
        found.append(
            {
                "shelf": name,
                "edition": edition,
                "title": REGISTER_NAMES.get(shelf.register, shelf.register),
                "for": _range(shelf),
                "published": words.moment(edition),
            }
        )
    return found


def _range(shelf: Shelf) -> str:
    """For which division and tier a shelf is."""
    where = "全国" if shelf.division == NATIONAL else f"区划 {shelf.division}"
    return f"{where},{_TIER_NAMES.get(shelf.tier, shelf.tier)}"


def answer_sentence(look: Look, values: dict[str, Any], asked: int) -> str:
    """What came of pressing 立即上报; a success word only for what succeeded."""
    state: Situation = values["state"]
    parent, at = values["parent"], words.clock(look.now_ms, look.now_ms)
    left = f"{values['cases']} 件" if values["cases"] else f"{state.rungs.local} 条记录"
    if values["stopped"]:
        return f"{parent}有应答,但不再接收本站的新记录({at})。{values['verdict']}"
    if state.last_success_ms > asked and state.parent_answers:
        if state.rungs.local:
            return f"已联系上{parent}({at}),还有 {left}正在上传,都在本站,没有丢失。"
        return f"已联系上{parent}({at})。本站的记录都已传到{parent}。"
    kept = f"{left}仍在本站,没有丢失。" if state.rungs.local else "本站没有待传的记录。"
    if state.last_attempt_ms > asked:
        return f"没有连上{parent}({at})。{kept}稍后自动再试。"
    return f"正在联系{parent}({at}),还没有应答。{kept}"
