"""A central of the product for a measurement: founded, its registers published, stations known."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.nodes import Program, command
from central import authority_key, catalogue
from demo.ports import free_ports
from node import enrolment
from node.program import Node
from node.release import RELEASE
from stations.entries import to_register_entries
from stations.row import StationRow
from sync.signing import Ed25519Signer

CENTRAL = "KM0000"
PROVINCE = "530000000000"
DIVISION = "530114000000"
FROM_DAY = "2026-01-01"


def now_ms() -> int:
    """Return the time of this machine."""
    return time.time_ns() // 1_000_000


def station_row(code: str, tier: str, parent: str, division: str = DIVISION) -> StationRow:
    """Return a line of the station table for an invented station."""
    return StationRow(code, f"演示{code}", tier, parent, division, 0)


class County:
    """A central on disk, and as a program once started."""

    def __init__(
        self,
        folder: Path,
        stations: Sequence[StationRow],
        first_port: int,
        database_url: str = "",
    ) -> None:
        self.folder = folder / CENTRAL
        folder.mkdir(parents=True, exist_ok=True)
        self._place = folder
        self._database_url = database_url
        self._environment = {"CENTRAL_DATABASE_URL": database_url} if database_url else {}
        self._central("init", "--station", CENTRAL)
        rows = [station_row(CENTRAL, "central", "", PROVINCE), *stations]
        self._stations = to_register_entries(rows, FROM_DAY)
        ports = free_ports(2, first_port)
        self.program = Program(
            self.folder, ports[0], ports[1], ("central", "run"), self._environment
        )

    @property
    def authority(self) -> Ed25519Signer:
        """Return the authority's key."""
        return authority_key.load(self.folder)

    @property
    def node_file(self) -> enrolment.NodeFile:
        """Return who central is."""
        return enrolment.read_node(self.folder)

    def publish(self, matters: list[dict[str, Any]]) -> dict[str, Any]:
        """Stage stations and matters and publish them by the command; return its answer."""
        node = Node(self.folder, clock_ms=now_ms, release=RELEASE, database_url=self._database_url)
        try:
            with node.database.write() as transaction:
                staged = {"stations": self._stations, "matters": matters}
                catalogue.stage(transaction, staged)
        finally:
            node.close()
        return self._central("publish")

    def _central(self, verb: str, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = command(
            "central", verb, "--data", str(self.folder), *words, environment=self._environment
        )
        return found

    def enrol(self, code: str, url: str, ports: tuple[int, int], *run: str) -> Program:
        """Enrol a station by sheet and command; return its program, not started."""
        sheet, folder = self._place / f"{code}.sheet", self._place / code
        command(
            "central", "voucher", code, "--data", str(self.folder), "--parent-url", url,
            "--out", str(sheet),
        )  # fmt: skip
        command("edge_node", "enrol", str(sheet), "--data", str(folder))
        return Program(folder, ports[0], ports[1], ("edge_node", "run", *run))
