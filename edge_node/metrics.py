"""Figures for Prometheus, and the two questions a supervisor of processes asks.

Reckoned when asked; labels carry tabs and never a case, a person or a station below.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import JSONResponse, Response

from casework.projection import TABS, CaseFilter
from edge_node.site import Site
from node import apart
from node.program import Node
from node.situation import situation
from sync.protocol.errors import StorageError

_PAGES: Final = Path("/proc/self/statm")
_PAGE_BYTES: Final = 4096
_COUNTERS: Final = {
    "cases_cannot_be_shown": "Streams whose fold failed.",
    "blobs_wrong": "Packs and pieces of files whose hash did not come out.",
    "file_manifests_bad": "Files whose list of pieces makes no sense.",
    "cases_opened_by_superior": "Cases opened by a superior outside his station's audience.",
}


class NodeCollector(Collector):
    """The metrics of one node."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """One family per figure."""
        node = self._site.node
        with self._site.look() as look:
            state = situation(node.core, look.transaction)
            counts = look.table.counts(CaseFilter(concerns=self._site.station))
            counted = {
                name: int(look.transaction.meta(f"count/{name}") or "0") for name in _COUNTERS
            }
            editions = list(look.transaction.editions().values())
            sent_away = len(apart.children(look.transaction))
        oldest = (look.now_ms - state.oldest_unsent_ms) / 1000 if state.oldest_unsent_ms else 0
        yield _gauge("yizhan_events_held", "Events held here, of all authors.", state.held)
        yield _gauge("yizhan_unsent_events", "Own events the parent lacks.", state.rungs.local)
        yield _gauge("yizhan_carried_events", "Events of others to hand up.", state.carried)
        yield _gauge("yizhan_oldest_unsent_seconds", "Age of the oldest of them.", oldest)
        yield _gauge(
            "yizhan_rounds_failed", "Rounds unanswered since the last answer.", state.failures
        )
        yield _gauge(
            "yizhan_last_round_success_timestamp_seconds",
            "When the parent last answered; 0 for never.",
            state.last_success_ms / 1000,
        )
        since = state.oldest_below_central_ms
        yield _gauge(
            "yizhan_oldest_below_central_seconds",
            "Age of the oldest own event central has not receipted.",
            (look.now_ms - since) / 1000 if since else 0,
        )
        yield _gauge("yizhan_set_aside_events", "Events set aside.", state.set_aside)
        yield _gauge("yizhan_incomplete_events", "Events waiting for others.", state.incomplete)
        yield _gauge("yizhan_refused_events", "Own events nobody takes.", state.refused)
        yield _gauge(
            "yizhan_log_frozen", "1 when this station's log is frozen.", bool(state.frozen)
        )
        yield _gauge(
            "yizhan_newest_edition_timestamp_seconds",
            "When the newest catalogue edition held was published.",
            max(editions, default=0) / 1000,
        )
        yield _gauge(
            "yizhan_children_apart", "Children whose version cannot be talked to.", sent_away
        )
        yield from _second_lane(node)
        cases = GaugeMetricFamily("yizhan_cases", "Cases of this station by tab.", labels=["tab"])
        for tab in TABS:
            cases.add_metric([tab], counts[tab])
        yield cases
        for name, help_text in _COUNTERS.items():
            yield _gauge(f"yizhan_{name}", help_text, counted[name])
        yield _gauge("yizhan_database_bytes", "Size of node.db.", node.database.bytes_held)
        yield _gauge("yizhan_process_resident_bytes", "Memory held.", resident_bytes())


def _second_lane(node: Node) -> Iterator[Metric]:
    left, lane = node.exchange.left(), node.blob_lane
    yield _gauge("yizhan_blobs_to_fetch", "Packs and files still to be fetched.", left.to_fetch)
    yield _gauge("yizhan_blob_bytes_to_fetch", "Their bytes.", left.fetch_bytes)
    yield _gauge("yizhan_blobs_to_give", "Files the parent lacks.", left.to_give)
    yield _gauge("yizhan_blob_bytes_to_give", "Their bytes.", left.give_bytes)
    yield _gauge("yizhan_blobs_refused", "Files the parent does not take now.", left.refused)
    yield _gauge("yizhan_blob_bytes_refused", "Their bytes.", left.refused_bytes)
    yield _gauge("yizhan_blobs_set_aside", "Kept apart as wrong.", len(node.blobs.aside()))
    yield _gauge(
        "yizhan_blob_bytes_fetched", "Fetched since the start.", lane.fetched if lane else 0
    )
    yield _gauge("yizhan_blob_bytes_given", "Given since the start.", lane.sent if lane else 0)


def resident_bytes() -> int:
    """The memory this process holds; 0 where the system does not say."""
    if not _PAGES.exists():
        return 0
    return int(_PAGES.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def health_router(site: Site) -> APIRouter:
    """The routes /metrics, /healthz and /readyz; without login, on the loopback server only."""
    router = APIRouter(include_in_schema=False)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(NodeCollector(site))

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/healthz")
    def healthz() -> Response:
        return JSONResponse({"ok": True})

    @router.get("/readyz")
    def readyz() -> Response:
        try:
            with site.look() as look:
                here = bool(look.transaction.editions())
        except StorageError as error:
            body = {"ready": False, "code": error.code, "sentence": error.sentence}
            return JSONResponse(body, status_code=503)
        if not here:
            sentence = "还没有收到第一份目录。联系上级后会自动收到。"
            body = {"ready": False, "code": "no_catalogue", "sentence": sentence}
            return JSONResponse(body, status_code=503)
        return JSONResponse({"ready": True})

    return router
