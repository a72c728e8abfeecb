"""The console of central: pages and JSON for supervision, catalogue and administration."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request

from central import api, doubt_page, metrics, pages, stick_page
from central.console import Console
from node.accounts import Accounts
from node.program import Node
from ui import errors, large_print
from ui.login import Gate, login_router
from ui.pages import Entry, Layout, Pages
from ui.people import person_of
from ui.security import FASTAPI_OPTIONS, Guard
from ui.words import age

TEMPLATES = Path(__file__).resolve().parent / "templates"
ENTRIES = (
    Entry("/", "站点", "1"),
    Entry("/registers", "目录版本", "2"),
    Entry("/matters", "事项", "3"),
    Entry("/cases", "办件数字", "4"),
    Entry("/find", "查一件", "5"),
    Entry("/sticks", "U盘", "6"),
    Entry(doubt_page.PATH, "存疑", "7"),
)


def make_console(node: Node, folder: Path, *, hosts: Collection[str]) -> FastAPI:
    """Return the application on the address people open.

    Shapes: `hosts` are the names, without port, it may be opened by.
    """
    with node.database.read() as transaction:
        name = node.desk.registry(transaction, node.clock_ms()).tree.name(node.core.station)

    def layout(request: Request) -> Layout:
        person = person_of(request)
        return Layout(
            station=node.core.station,
            station_name=name,
            person=person,
            entries=ENTRIES if person else (),
            demo="演示" in name,
            product="驿站中心",
        )

    bare = Layout(station=node.core.station, station_name=name, product="驿站中心")
    templates = Pages([TEMPLATES], layout, bare)
    templates.environment.filters["age"] = lambda at_ms: age(at_ms, node.clock_ms())
    gate = Gate(Accounts(node), node.core.station)
    console = Console(node, folder, gate, templates)
    uploads = {stick_page.IMPORT_PATH: stick_page.UPLOAD_BYTES_MAX}
    app = FastAPI(
        title="驿站中心 Yizhan central",
        version=node.release,
        **FASTAPI_OPTIONS,
        middleware=[Middleware(Guard, hosts=hosts, uploads=uploads)],
    )
    errors.install(app, templates)
    app.router.routes.append(templates.static.route())
    routers: list[APIRouter] = [
        login_router(gate, templates),
        large_print.large_print_router(),
        pages.router(console),
        stick_page.router(console),
        doubt_page.router(console),
        api.router(console),
        metrics.router(console),
    ]
    for router in routers:
        app.include_router(router)
    return app
