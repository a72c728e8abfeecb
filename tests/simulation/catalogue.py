"""The small register set the simulated stations work by: two editions, all of it 演示.

Shelved by `central.shelves.distribute`, as the real one is.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from central.shelves import distribute
from sync.protocol.registers import Entry, Shelf

CENTRAL, DISTRICT = "KM0000", "CG0001"
TOWNSHIP, TOWNSHIP_2 = "CG0101", "CG0201"
VILLAGE, VILLAGE_2, VILLAGE_3, LATE_VILLAGE = "CG0111", "CG0112", "CG0211", "CG0212"
DISTRICT_2, TOWNSHIP_3, VILLAGE_4, POINT = "CH0001", "CH0101", "CH0111", "CG0113"
"""A second district with its branch, and a point below a village: five levels."""
FIRST_STATIONS = (CENTRAL, DISTRICT, TOWNSHIP, TOWNSHIP_2, VILLAGE, VILLAGE_2, VILLAGE_3)
ALL_STATIONS = (*FIRST_STATIONS, LATE_VILLAGE)
"""The last one is in the second edition only and is enrolled in mid-chaos."""


class Forest(NamedTuple):
    """Which stations there are: those of the first edition, and those enrolled later."""

    first: tuple[str, ...]
    late: tuple[str, ...]

    @property
    def stations(self) -> tuple[str, ...]:
        return self.first + self.late


SMALL = Forest((CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, VILLAGE_2), ())
USUAL = Forest(FIRST_STATIONS, (LATE_VILLAGE,))
WIDE = Forest((*FIRST_STATIONS, DISTRICT_2, TOWNSHIP_3, POINT), (LATE_VILLAGE, VILLAGE_4))

_ROWS = (
    (CENTRAL, "central", "530100000000", ""),
    (DISTRICT, "district", "530114000000", CENTRAL),
    (TOWNSHIP, "township", "530114004000", DISTRICT),
    (TOWNSHIP_2, "township", "530114001000", DISTRICT),
    (VILLAGE, "village", "530114004201", TOWNSHIP),
    (VILLAGE_2, "village", "530114004202", TOWNSHIP),
    (VILLAGE_3, "village", "530114001201", TOWNSHIP_2),
    (LATE_VILLAGE, "village", "530114001202", TOWNSHIP_2),
    (DISTRICT_2, "district", "530115000000", CENTRAL),
    (TOWNSHIP_3, "township", "530115004000", DISTRICT_2),
    (VILLAGE_4, "village", "530115004201", TOWNSHIP_3),
    (POINT, "village", "530114004203", VILLAGE),
)
PARENTS = {code: parent for code, _, _, parent in _ROWS}
_TIERS = ("central", "district", "township", "village")
DEPTHS = {code: _TIERS.index(tier) for code, tier, _, _ in _ROWS}
_POSTS = {
    "central": ["accept", "decide", "issue", "supervise"],
    "district": ["intake", "accept", "review", "decide", "issue", "deliver", "supervise"],
    "township": ["intake", "accept", "review", "deliver"],
    "village": ["intake", "deliver"],
}
_POWERS = {
    "central": ["accept", "decide", "issue"],
    "district": ["accept", "decide", "issue"],
    "township": ["accept"],
    "village": [],
}
_MODES = {
    # station: mode, handling and delivery of M100, M200, M300
    CENTRAL: (("直办", CENTRAL, CENTRAL),) * 3,
    DISTRICT: (("直办", DISTRICT, DISTRICT),) * 3,
    TOWNSHIP: (("受理", TOWNSHIP, TOWNSHIP),) * 3,
    TOWNSHIP_2: (("受理", TOWNSHIP_2, TOWNSHIP_2), ("代收", DISTRICT, TOWNSHIP_2),
                 ("受理", TOWNSHIP_2, TOWNSHIP_2)),
    VILLAGE: (("代收", TOWNSHIP, VILLAGE), ("代收", TOWNSHIP, VILLAGE),
              ("代收", TOWNSHIP, VILLAGE_2)),
    VILLAGE_2: (("代办", TOWNSHIP, VILLAGE_2), ("代收", TOWNSHIP_2, VILLAGE_2),
                ("代收", TOWNSHIP, VILLAGE_2)),
    VILLAGE_3: (("代收", TOWNSHIP_2, VILLAGE_3), ("代办", TOWNSHIP, VILLAGE_3),
                ("代收", TOWNSHIP_2, TOWNSHIP_2)),
    LATE_VILLAGE: (("代收", TOWNSHIP_2, LATE_VILLAGE), ("代收", TOWNSHIP, LATE_VILLAGE),
                   ("代收", TOWNSHIP_2, LATE_VILLAGE)),
    DISTRICT_2: (("直办", DISTRICT_2, DISTRICT_2),) * 3,
    TOWNSHIP_3: (("受理", TOWNSHIP_3, TOWNSHIP_3), ("代收", DISTRICT, TOWNSHIP_3),
                 ("受理", TOWNSHIP_3, TOWNSHIP_3)),
    VILLAGE_4: (("代收", TOWNSHIP_3, VILLAGE_4), ("代办", TOWNSHIP, VILLAGE_4),
                ("代收", DISTRICT_2, VILLAGE_4)),
    POINT: (("代收", TOWNSHIP, POINT), ("代办", TOWNSHIP, POINT), ("代收", VILLAGE, VILLAGE)),
}  # fmt: skip
LAST_EDITION = 3
"""Changes every shelf, after stations have moved."""
MATTERS = ("M100", "M200", "M300")


def clerk(station: str) -> str:
    """Return the number of a station's one staff member."""
    return f"W{station}"


@lru_cache(maxsize=16)
def shelves(
    forest: Forest, edition: int, moved: tuple[tuple[str, str], ...] = ()
) -> dict[Shelf, list[Entry]]:
    """Return the whole content of every shelf of one of the three editions.

    Shapes: `moved` are (station, parent it has from now on) in the order they were decided.
    """
    there = forest.first if edition == 1 else forest.stations
    stations = [row for row in _ROWS if row[0] in there]
    catalogue = {
        "calendar": [_calendar()],
        "stations": [_station(*row, moved) for row in stations],
        "matters": [_matter(code, edition) for code in MATTERS],
        "services": [
            _service(forest, code, tier, matter, at)
            for code, tier, _, _ in stations
            for at, matter in enumerate(MATTERS)
        ],
        "staff": [_staff(code, tier, edition) for code, tier, _, _ in stations],
    }
    return distribute(catalogue, date(2026, 11, 23))


def _station(
    code: str, tier: str, division: str, parent: str, moved: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    attributes = {"name": f"{code}(演示)", "division": division}
    since = [("2026-01-01", parent)]
    since += [(f"2026-02-{at:02}", to) for at, (who, to) in enumerate(moved, 1) if who == code]
    return {
        "code": code,
        "tier": tier,
        "attributes": [{"from": day, **attributes, "parent": above} for day, above in since],
        "closed": "",
    }


def _calendar() -> dict[str, Any]:
    return {
        "division": "000000000000",
        "year": 2026,
        "off": ["2026-10-01", "2026-10-02", "2026-10-05"],
        "work": ["2026-10-10"],
        "source": "演示",
    }


def _service(forest: Forest, station: str, tier: str, matter: str, at: int) -> dict[str, Any]:
    mode, handling, delivery = _MODES[station][at]
    handling = handling if handling in forest.first else DISTRICT
    delivery = delivery if delivery in forest.stations else DISTRICT
    return {
        "station": station,
        "matter": matter,
        "mode": mode,
        "handling": handling,
        "delivery": delivery,
        "powers": _POWERS[tier],
        "from": "2026-01-01",
        "to": "",
    }


def _staff(station: str, tier: str, edition: int) -> dict[str, Any]:
    return {
        "no": clerk(station),
        "name": "演示人员" if edition < LAST_EDITION else "演示人员甲",
        "station": station,
        "posts": _POSTS[tier],
        "from": "2026-01-01",
        "to": "",
    }


def _matter(code: str, edition: int) -> dict[str, Any]:
    review = {"code": "S1T1", "title": "初审", "post": "review", "station": "handling",
              "limit_days": 5, "results": ["通过", "不通过"], "deciding": False}  # fmt: skip
    visit = {"code": "S1T2", "title": "入户核查", "post": "intake", "station": "receiving",
             "limit_days": 3, "results": [], "deciding": False}  # fmt: skip
    decide = {"code": "S2T1", "title": "审批", "post": "decide", "station": DISTRICT,
              "limit_days": 10, "results": ["准予", "不予"], "deciding": True}  # fmt: skip
    first = [review, visit] if code == "M300" else [review]
    return {
        "code": code,
        "version": edition,
        "name": f"{code}第{edition}版(演示)",
        "aliases": [],
        "initials": [],
        "department": "演示",
        "type": "05",
        "type_name": "行政给付",
        "division": "000000000000",
        "tiers": ["central", "district", "township", "village"],
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
        "limits": {"promised": {"days": 20, "unit": "工作日", "basis": "", "mark": "演示"}},
        "accept_on_receive": code == "M200",
        "deemed_acceptance": False,
        "supplement_days": 10,
        "stages": [
            {"code": "S1", "title": "初审", "tasks": first},
            {"code": "S2", "title": "决定", "tasks": [decide]},
        ],
        "result": {"name": "决定", "kind": "批文"},
        "fee": "不收费",
        "source": "演示",
        "demo": True,
        "effective_from": "2026-01-01",
        "open_cases": "按旧版办完",
    }  # fmt: skip
