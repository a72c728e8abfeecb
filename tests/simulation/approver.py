"""Central's operator: gives vouchers to the machines that ask, and central one to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.approvals import open_asks
from node import lives
from node.enrolment import MINUTE_MS
from node.lives import VoucherFor
from sync.engine import authority
from tests.simulation.catalogue import CENTRAL
from tests.simulation.station import SimNode

if TYPE_CHECKING:
    from tests.simulation.world import World


def own_voucher(world: World) -> VoucherFor:
    """Return what makes out central's own vouchers, as `central.approvals.join` does."""

    def own(public: bytes, now_ms: int) -> bytes:
        present = world.stations[CENTRAL].identity.epoch
        epoch = max(now_ms, (present // MINUTE_MS + 1) * MINUTE_MS)
        return authority.make_voucher(
            world.authority, CENTRAL, epoch, public, authority.ONLINE, f"{CENTRAL}/{epoch}"
        )

    return own


def approve(world: World) -> int:
    """Let the operator answer every station that asks, one machine of each; return how many."""

    def doing(node: SimNode) -> list[str]:
        with node.database.write() as transaction:
            waiting = open_asks(transaction)
            asking = sorted({one.ask.station for one in waiting})
            for station in asking:
                chosen = world.rng.choice([one for one in waiting if one.ask.station == station])
                lives.grant(
                    node.core, transaction, node.clock_ms(), world.authority, chosen.ask.key,
                    station, profile=authority.FERRY, serial=chosen.code,
                )  # fmt: skip
        return asking

    asking: list[str] = world.guarded(CENTRAL, doing) or []
    for station in asking:
        world.note(f"a voucher for {station}")
        world.count("vouchers")
    return len(asking)
