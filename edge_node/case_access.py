"""Which case a number means, and whether this station may look at it.

Lists and pages show only cases whose audience includes this station; a relay that merely carries
a case answers as if it were not there.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException

from casework.case import Case
from casework.errors import DomainRefusal
from casework.projection import CaseRow
from edge_node.site import Look, Site, canonical_number
from node.missing import BEING_FETCHED_WORDS, BeingFetched, lacking
from ui.people import Person

SUPERIOR_POSTS: Final = ("supervise", "decide")


class CannotBeShown(DomainRefusal):
    """The case is held but its state cannot be made."""

    code = "cannot_be_shown"


def case_address(number: str) -> str:
    """The address of a case's page."""
    return f"/cases/{quote(number, safe='')}"


def own_case(site: Site, look: Look, number: str) -> CaseRow:
    """The case of this number that concerns this station. Raises: HTTPException 404."""
    for row in site.rows(look, number):
        if site.station in row.audience:
            return row
    raise HTTPException(404)


def folded(site: Site, look: Look, row: CaseRow) -> Case:
    """The case itself. Raises: CannotBeShown, BeingFetched (and asks for what is missing)."""
    if row.cannot_be_shown:
        raise CannotBeShown(row.cannot_be_shown)
    if lacking(look.transaction, look.transaction.stream_events(row.stream)):
        site.node.fetch_bodies(row.stream)
        raise BeingFetched(BEING_FETCHED_WORDS)
    case = site.node.desk.case(look.transaction, row.stream)
    if case is None:
        raise HTTPException(404)
    return case


def superiors_case(site: Site, look: Look, person: Person, number: str) -> CaseRow:
    """A case below this station that a superior may open by its exact receipt number.

    Raises: HTTPException 404.
    """
    exact = canonical_number(number)
    if person.may(*SUPERIOR_POSTS):
        for row in site.rows(look, number):
            below = site.station in look.registry.tree.ancestors(row.holder)
            if row.receipt_no == exact and below and site.station not in row.audience:
                return row
    raise HTTPException(404)
