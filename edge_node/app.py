"""Composition: the pages people open, and what the children call."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import FastAPI
from starlette.applications import Starlette

from edge_node.admin import admin_router
from edge_node.api import api_router
from edge_node.case_files import FILES_PATH, UPLOAD_BYTES_MAX, case_files_router
from edge_node.case_lists import case_lists_router
from edge_node.case_page import case_page_router
from edge_node.intake import intake_router
from edge_node.matters import matters_router
from edge_node.metrics import health_router
from edge_node.recovered_page import recovered_router
from edge_node.site import Site
from edge_node.slip import slip_router
from edge_node.stick_page import IMPORT_PATH, stick_router
from edge_node.stick_state import BUNDLE_UPLOAD_BYTES_MAX
from edge_node.sync_page import sync_router
from node.program import Node
from sync.transport.blob_routes import blob_route
from sync.transport.http_routes import round_route
from ui import errors
from ui.large_print import large_print_router
from ui.login import login_router
from ui.security import FASTAPI_OPTIONS, LOOPBACK, Guard


def create_pages(node: Node, *, hosts: Collection[str] = LOOPBACK) -> FastAPI:
    """Return the pages and the API of a station.

    Shapes: `hosts` are the names they may be addressed by, without port.
    """
    site = Site(node)
    app = FastAPI(
        title="驿站",
        version=node.release,
        openapi_url="/api/openapi.json",
        **FASTAPI_OPTIONS,
    )
    for router in (
        login_router(site.gate, site.pages),
        large_print_router(),
        matters_router(site),
        intake_router(site),
        slip_router(site),
        case_lists_router(site),
        case_page_router(site),
        case_files_router(site),
        recovered_router(site),
        sync_router(site),
        stick_router(site),
        admin_router(site),
        api_router(site),
        health_router(site),
    ):
        app.include_router(router)
    app.router.routes.append(site.pages.static.route())
    errors.install(app, site.pages)
    uploads = {FILES_PATH: UPLOAD_BYTES_MAX, IMPORT_PATH: BUNDLE_UPLOAD_BYTES_MAX}
    app.add_middleware(Guard, hosts=hosts, uploads=uploads)
    return app


def create_link(node: Node) -> Starlette:
    """Return what this station's children call: rounds, the second lane and nothing else."""
    return Starlette(routes=[round_route(node.rounds.open), blob_route(node.exchange.serve)])
