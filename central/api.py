"""JSON beside the console's pages; the same gate, the same rights."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException

from central import catalogue, figures
from central.console import STAFF, SUPERVISE, Console
from central.supervision import Fleet
from sync.protocol.errors import Malformed
from sync.protocol.names import EventName
from ui.people import Person


def router(console: Console) -> APIRouter:
    """Return the routes under /api/v1."""
    router = APIRouter(prefix="/api/v1")
    node = console.node
    staff = Depends(console.holding(*STAFF))
    supervisor = Depends(console.holding(SUPERVISE))

    @router.get("/tree", dependencies=[staff])
    def tree() -> dict[str, Any]:
        """Every station with its last contact, log position and troubles."""
        with node.database.read() as transaction:
            fleet = Fleet(node, transaction)
            return {"at_ms": fleet.now_ms, "stations": [line.as_json() for line in fleet.lines()]}

    @router.get("/registers", dependencies=[staff])
    def registers() -> dict[str, Any]:
        """The newest edition of every shelf."""
        with node.database.read() as transaction:
            published = catalogue.shelves_published(transaction)
        return {"shelves": [_edition(one) for one in published]}

    @router.get("/figures", dependencies=[staff])
    def case_figures() -> dict[str, Any]:
        """How many cases stand in which status at which holder."""
        with node.database.read() as transaction:
            counts = figures.case_counts(transaction)
        return {"cases": [count._asdict() for count in counts]}

    @router.get("/cases/{number}")
    def case(number: str, person: Person = supervisor) -> dict[str, Any]:
        """One case by its exact 收件编号 or 办件编号; the opening leaves a mark."""
        found = figures.open_case(node, number, person.no)
        if not found:
            raise HTTPException(404)
        return found[0]

    @router.get("/streams/{station}/{epoch}/{position}", dependencies=[staff])
    def stream(station: str, epoch: str, position: str) -> dict[str, int]:
        """How many events of a stream are held here."""
        try:
            name = EventName.parse(f"{station}/{epoch}/{position}")
        except Malformed as error:
            raise HTTPException(404) from error
        return {"held": figures.events_held(node, str(name))}

    return router


def _edition(one: catalogue.Published) -> dict[str, object]:
    facts = one.as_json()
    del facts["changed"]
    return facts
