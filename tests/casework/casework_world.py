"""A small district for casework tests: registers, a clock, and stations that hold events.

Plays the node: it names what `draft` and `due_by_rule` want recorded, and carries events
between stations only when told to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from casework.acts import draft
from casework.calendar import WorkCalendar
from casework.case import Case
from casework.context import Context
from casework.events import CaseEvent, Draft
from casework.fold import fold
from casework.matter import Matter, parse_matter
from casework.registers import (
    CalendarYear,
    Service,
    StaffEntry,
    StationTree,
    parse_service,
    parse_staff,
    parse_station,
)
from casework.rules import ROUNDS_MAX, due_by_rule

CENTRAL, DISTRICT, TOWNSHIP, TOWNSHIP_2 = "KM0000", "CG0001", "CG0101", "CG0201"
VILLAGE, VILLAGE_2 = "CG0111", "CG0112"
STATIONS = (CENTRAL, DISTRICT, TOWNSHIP, TOWNSHIP_2, VILLAGE, VILLAGE_2)
TODAY = date(2026, 11, 23)
START_MS = 1_795_400_000_000

CALENDAR_2026 = CalendarYear(
    division="000000000000",
    year=2026,
    off=(
        "2026-01-01", "2026-01-02", "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19",
        "2026-02-20", "2026-02-23", "2026-04-06", "2026-05-01", "2026-05-04", "2026-05-05",
        "2026-06-19", "2026-09-25", "2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06",
        "2026-10-07",
    ),
    work=(
        "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
    ),
    source="测试用例:2026年放假安排",
)  # fmt: skip


def stations() -> list[dict[str, Any]]:
    """The station register of the demonstration district."""
    rows = (
        (CENTRAL, "central", "昆明市级中心(演示)", "530100000000", ""),
        (DISTRICT, "district", "呈贡区政务服务中心", "530114000000", CENTRAL),
        (TOWNSHIP, "township", "斗南街道便民服务中心", "530114004000", DISTRICT),
        (TOWNSHIP_2, "township", "龙城街道便民服务中心", "530114001000", DISTRICT),
        (VILLAGE, "village", "斗南甲村(演示)", "530114004201", TOWNSHIP),
        (VILLAGE_2, "village", "斗南乙村(演示)", "530114004202", TOWNSHIP),
    )
    return [
        {
            "code": code,
            "tier": tier,
            "attributes": [
                {"from": "2026-01-01", "name": name, "division": division, "parent": parent}
            ],
            "closed": "",
        }
        for code, tier, name, division, parent in rows
    ]


def matter_entry(code: str = "M100", **changes: object) -> dict[str, Any]:
    """A matter reviewed by the handling station and decided by its parent."""
    entry: dict[str, Any] = {
        "code": code,
        "version": 1,
        "name": "困难补助申请(演示)",
        "aliases": ["补助"],
        "initials": ["knbzsq"],
        "department": "民政(演示)",
        "type": "05",
        "type_name": "行政给付",
        "division": "530114000000",
        "tiers": ["village", "township", "district"],
        "object": "自然人",
        "conditions": ["演示"],
        "case_kind": "承诺件",
        "basis": [{"text": "演示依据", "mark": "演示"}],
        "materials": [
            {"code": "M1", "name": "申请表", "need": "必要", "taken_as": "收原件", "original": 1,
             "copies": 0, "note": ""},
            {"code": "M2", "name": "户口簿", "need": "容缺后补", "taken_as": "核验原件后退还",
             "original": 1, "copies": 1, "note": ""},
        ],
        "limits": {
            "statutory": {"days": 30, "unit": "工作日", "basis": "", "mark": "演示"},
            "promised": {"days": 20, "unit": "工作日", "basis": "", "mark": "演示"},
        },
        "accept_on_receive": False,
        "deemed_acceptance": False,
        "supplement_days": 10,
        "stages": [
            {"code": "S1", "title": "初审", "tasks": [
                {"code": "S1T1", "title": "初审", "post": "review", "station": "handling",
                 "limit_days": 5, "results": ["通过", "不通过"], "deciding": False}]},
            {"code": "S2", "title": "决定", "tasks": [
                {"code": "S2T1", "title": "审批", "post": "decide", "station": "parent",
                 "limit_days": 10, "results": ["准予", "不予"], "deciding": True}]},
        ],
        "result": {"name": "补助决定", "kind": "批文"},
        "fee": "不收费",
        "source": "演示",
        "demo": True,
        "effective_from": "2026-01-01",
        "open_cases": "按旧版办完",
    }  # fmt: skip
    return {**entry, **changes}


def joint_stage() -> list[dict[str, Any]]:
    """Stages whose first one is shared by the handling and the receiving station."""
    stages = matter_entry()["stages"]
    visit = {"code": "S1T2", "title": "入户核查", "post": "intake", "station": "receiving",
             "limit_days": 3, "results": [], "deciding": False}  # fmt: skip
    return [{**stages[0], "tasks": [*stages[0]["tasks"], visit]}, stages[1]]


MATTERS = {
    "M100": parse_matter(matter_entry()),
    "M200": parse_matter(matter_entry("M200", accept_on_receive=True, deemed_acceptance=True)),
    "M300": parse_matter(matter_entry("M300", stages=joint_stage())),
    "M900": parse_matter(matter_entry("M900", materials=[], stages=[])),
}


def _service(station: str, matter: str) -> Service | None:
    modes = {VILLAGE: "代收", VILLAGE_2: "代办", TOWNSHIP: "受理", TOWNSHIP_2: "告知"}
    powers = {TOWNSHIP: ["accept"], DISTRICT: ["accept", "decide", "issue"],
              CENTRAL: ["accept", "decide", "issue"]}  # fmt: skip
    if matter == "M900":
        return None
    return parse_service(
        {
            "station": station,
            "matter": matter,
            "mode": modes.get(station, "直办"),
            "handling": TOWNSHIP if station in (VILLAGE, VILLAGE_2, TOWNSHIP) else station,
            "delivery": station,
            "powers": powers.get(station, []),
            "from": "2026-01-01",
            "to": "",
        }
    )


POSTS = {
    VILLAGE: ["intake", "deliver"],
    VILLAGE_2: ["intake", "deliver"],
    TOWNSHIP: ["intake", "accept", "review", "deliver"],
    TOWNSHIP_2: ["intake"],
    DISTRICT: ["intake", "accept", "review", "decide", "issue", "deliver", "supervise"],
    CENTRAL: ["accept", "decide", "issue", "supervise"],
}


def clerk(station: str) -> str:
    """The number of the station's one staff member."""
    return f"W{station}"


def _staff(number: str) -> StaffEntry | None:
    station = number.removeprefix("W")
    if station not in POSTS:
        return None
    return parse_staff(
        {"no": number, "name": "演示人员", "station": station, "posts": POSTS[station],
         "from": "2026-01-01", "to": ""}
    )  # fmt: skip


def _by_hash(wanted: str) -> Matter | None:
    return next((item for item in MATTERS.values() if item.hash == wanted), None)


TREE = StationTree([parse_station(entry) for entry in stations()], TODAY)
CALENDAR = WorkCalendar([CALENDAR_2026])


class World:
    """Stations, what each holds of one case, and a clock that moves with every event."""

    def __init__(self, numbers_by: str = "") -> None:
        self.held: dict[str, dict[str, CaseEvent]] = {code: {} for code in STATIONS}
        self.positions = dict.fromkeys(STATIONS, 0)
        self.epochs = dict.fromkeys(STATIONS, START_MS)
        self.ms = START_MS
        self.today = TODAY
        self.stream = ""
        self.numbers_by = numbers_by
        self.numbers = 0

    def context(self, station: str) -> Context:
        """The context of an act at the station now."""
        return Context(
            station=station,
            tree=TREE,
            today=self.today,
            at_ms=self.ms,
            matter=MATTERS.get,
            matter_by_hash=_by_hash,
            service=_service,
            staff=_staff,
            calendar=CALENDAR,
            numbers_by=self.numbers_by,
            next_official_number=self._next_number,
            warrant=lambda code: {"line": [code, *TREE.ancestors(code)]},
        )

    def _next_number(self) -> str:
        self.numbers += 1
        return f"演示-{self.numbers:04d}"

    def case(self, station: str) -> Case:
        """The case as the station sees it."""
        return fold(self.held[station].values())

    def record(self, station: str, wanted: Draft) -> CaseEvent:
        """Name the draft and hold it at its author, as a node does."""
        self.ms += 1_000
        self.positions[station] += 1
        epoch, position = self.epochs[station], self.positions[station]
        name = f"{station}/{epoch}/{position}"
        if wanted.stream is None:
            self.stream = name
        event = CaseEvent(
            name=name,
            station=station,
            epoch=epoch,
            position=position,
            hlc=self.ms * 1024,
            stream=self.stream,
            type=wanted.type,
            actor=wanted.actor,
            audience=wanted.audience,
            body=wanted.body,
            line=tuple(wanted.body.get("warrant", {}).get("line", ())),
            central=station == CENTRAL,
        )
        self.held[station][name] = event
        return event

    def act(self, station: str, name: str, /, **fields: object) -> CaseEvent:
        """What the station's clerk does, drafted on what the station holds."""
        case = self.case(station) if self.held[station] else None
        return self.record(
            station, draft(self.context(station), case, name, fields, clerk(station))
        )

    def rules(self, station: str) -> int:
        """Record what is due by rule until nothing is; the number of events written."""
        written = 0
        for _ in range(ROUNDS_MAX):
            if not self.held[station]:
                return written
            drafts = due_by_rule(self.context(station), self.case(station))
            if not drafts:
                return written
            for item in drafts:
                self.record(station, item)
            written += len(drafts)
        raise AssertionError("the rules do not come to rest")

    def share(self, *codes: str) -> None:
        """Let the named stations (default: all) hold what any of them holds."""
        chosen = codes or STATIONS
        together = {name: item for code in chosen for name, item in self.held[code].items()}
        for code in chosen:
            self.held[code] = dict(together)

    def settle(self, *codes: str) -> None:
        """Share and let the rules run among the named stations until nothing is left to do."""
        chosen = codes or STATIONS
        for _ in range(20):
            self.share(*chosen)
            if not sum(self.rules(code) for code in chosen):
                return
        raise AssertionError("the stations do not come to rest")

    def events(self) -> list[CaseEvent]:
        """Every event anyone holds."""
        return list({n: item for held in self.held.values() for n, item in held.items()}.values())


APPLICANT = {"name": "演示申请人", "id_type": "其他", "phone": "000"}


def ticks(*codes: str) -> list[dict[str, str]]:
    """The materials that came in."""
    return [{"code": code, "state": "已收"} for code in codes]


def take_in(
    world: World, station: str = VILLAGE, matter: str = "M100", *codes: str, act: str = "received"
) -> CaseEvent:
    """Take a case in at the station; all materials unless some are named."""
    return world.act(
        station,
        act,
        matter=matter,
        receipt_no="CG0111-20261123-K3F-0001-X",
        applicant=APPLICANT,
        materials=ticks(*(codes or ("M1", "M2"))),
    )


def cleared(events: Iterable[CaseEvent], names: Iterable[str]) -> list[CaseEvent]:
    """The events with the bodies of the named ones gone."""
    gone = set(names)
    return [replace(item, body=None) if item.name in gone else item for item in events]
