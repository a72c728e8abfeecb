"""The places and people of the story; stations and staff come from the example table.

Codes and names stand in inventory/demo and in central's demonstration catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A station of the demonstration. `link` names the road to its parent."""

    code: str
    name: str
    short: str
    tier: str
    parent: str
    people: tuple[str, ...]

    @property
    def link(self) -> str:
        """The name by which its road upward is cut and restored."""
        return f"{self.code}-{self.parent}" if self.parent else ""


CENTRAL = "KM0000"
DISTRICT = "CG0001"
DOUNAN = "CG0101"
LONGCHENG = "CG0201"
VILLAGE = "CG0111"
VILLAGE_2 = "CG0112"
VILLAGE_3 = "CG0211"

VILLAGE_CLERK = "CG0111-01"
TOWNSHIP_REVIEWER = "CG0101-02"
DISTRICT_DECIDER = "CG0001-02"
DISTRICT_ISSUER = "CG0001-03"
SUPERVISOR = "KM0000-01"

PLACES = (
    Place(CENTRAL, "昆明市级中心(演示)", "中心", "central", "", (SUPERVISOR,)),
    Place(
        DISTRICT,
        "呈贡区政务服务中心",
        "呈贡区",
        "district",
        CENTRAL,
        (DISTRICT_DECIDER, DISTRICT_ISSUER),
    ),
    Place(DOUNAN, "斗南街道为民服务中心", "斗南街道", "township", DISTRICT, (TOWNSHIP_REVIEWER,)),
    Place(LONGCHENG, "龙城街道为民服务中心", "龙城街道", "township", DISTRICT, ("CG0201-02",)),
    Place(VILLAGE, "斗南社区便民服务站", "斗南社区", "village", DOUNAN, (VILLAGE_CLERK,)),
    Place(VILLAGE_2, "江尾社区便民服务站", "江尾社区", "village", DOUNAN, ("CG0112-01",)),
    Place(VILLAGE_3, "龙街社区便民服务站", "龙街社区", "village", LONGCHENG, ("CG0211-01",)),
)
BY_CODE = {place.code: place for place in PLACES}

PASSWORD = "yizhan-demo-2026"  # noqa: S105  # of invented people on a throw-away machine
