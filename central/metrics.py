"""/metrics, /healthz, /readyz of central. Aggregates only: no label names a station or a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from central import catalogue, figures
from central.console import Console
from central.supervision import Fleet, StationLine
from node.program import Node
from sync.protocol.errors import StorageError

SECOND_MS = 1000.0


class CentralCollector:
    """Reads the database once per scrape."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of central as it stands now."""
        with self._node.database.read() as transaction:
            lines = Fleet(self._node, transaction).lines()
            held = transaction.event_count()
            logs = transaction.logs()
            counts = figures.case_counts(transaction)
            counted = figures.counters(transaction)
            published = catalogue.shelves_published(transaction)
        yield _gauge("yizhan_central_events_held", "Events held.", held)
        yield _gauge("yizhan_central_logs", "Logs of stations held.", len(logs))
        frozen = sum(1 for log in logs if log.frozen)
        yield _gauge("yizhan_central_logs_frozen", "Logs frozen until a person acts.", frozen)
        yield from _blobs(self._node)
        yield from _stations(lines, self._node.clock_ms())
        shelves = GaugeMetricFamily(
            "yizhan_central_edition_timestamp_seconds",
            "Publication time of the newest edition, by register.",
            labels=["register"],
        )
        newest: dict[str, int] = {}
        for one in published:
            newest[one.shelf.register] = max(one.edition, newest.get(one.shelf.register, 0))
        for register, edition in sorted(newest.items()):
            shelves.add_metric([register], edition / SECOND_MS)
        yield shelves
        cases = GaugeMetricFamily("yizhan_central_cases", "Cases by status.", labels=["status"])
        by_status: dict[str, int] = defaultdict(int)
        for count in counts:
            by_status[count.status] += count.cases
        for status, number in sorted(by_status.items()):
            cases.add_metric([status], number)
        yield cases
        events = CounterMetricFamily(
            "yizhan_central_incidents", "What the node counted, by kind.", labels=["kind"]
        )
        for kind, number in counted.items():
            events.add_metric([kind], number)
        yield events


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _blobs(node: Node) -> Iterator[Metric]:
    held = node.blobs.figures()
    yield _gauge("yizhan_central_blobs", "Packs and pieces of files held whole.", held.whole)
    yield _gauge("yizhan_central_blob_bytes", "Their bytes.", held.whole_bytes)
    yield _gauge("yizhan_central_blobs_set_aside", "Kept apart as wrong.", held.set_aside)
    yield _gauge("yizhan_central_files_waiting", "Files of cases not whole here.", held.waiting)
    yield _gauge("yizhan_central_file_bytes_waiting", "Their bytes.", held.waiting_bytes)


def _stations(lines: list[StationLine], now_ms: int) -> Iterator[Metric]:
    known = GaugeMetricFamily(
        "yizhan_central_stations", "Stations of the register, by tier.", labels=["tier"]
    )
    enrolled = GaugeMetricFamily(
        "yizhan_central_stations_enrolled", "Stations heard of, by tier.", labels=["tier"]
    )
    oldest = GaugeMetricFamily(
        "yizhan_central_oldest_contact_age_seconds",
        "Age of the oldest last contact among enrolled stations, by tier.",
        labels=["tier"],
    )
    below = GaugeMetricFamily(
        "yizhan_central_oldest_below_central_seconds",
        "Age of the oldest event that stations say has not come to central, by tier.",
        labels=["tier"],
    )
    withheld = GaugeMetricFamily(
        "yizhan_central_stations_withheld",
        "Stations in contact of which nothing came in for a day though they wait, by tier.",
        labels=["tier"],
    )
    for tier in dict.fromkeys(line.tier for line in lines):
        here = [line for line in lines if line.tier == tier]
        there = [line for line in here if line.enrolled]
        known.add_metric([tier], len(here))
        enrolled.add_metric([tier], len(there))
        waits = [now_ms - line.below_central_ms for line in here if line.below_central_ms]
        below.add_metric([tier], max(waits, default=0) / SECOND_MS)
        withheld.add_metric([tier], sum(line.withheld for line in here))
        if there:
            first = min(line.last_contact_ms for line in there)
            oldest.add_metric([tier], max(now_ms - first, 0) / SECOND_MS)
    yield known
    yield enrolled
    yield oldest
    yield below
    yield withheld
    suspect = sum(1 for line in lines if line.suspect)
    yield _gauge("yizhan_central_stations_suspect", "Stations seen twice.", suspect)


def router(console: Console) -> APIRouter:
    """Return the routes machines ask, without a login."""
    router = APIRouter(include_in_schema=False)
    registry = CollectorRegistry()
    registry.register(CentralCollector(console.node))

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/healthz")
    def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    def readyz() -> Response:
        try:
            with console.node.database.read() as transaction:
                transaction.event_count()
        except StorageError as error:
            return JSONResponse({"status": "not_ready", "code": error.code}, status_code=503)
        return JSONResponse({"status": "ready"})

    return router
