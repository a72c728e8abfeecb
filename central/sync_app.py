"""What the children of central may reach: both lanes, and whether anybody is in. Nothing else."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from node.program import Node
from sync.transport.blob_routes import blob_route
from sync.transport.http_routes import round_route


def make_sync_app(node: Node) -> Starlette:
    """Return the application on the address the tree calls."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            round_route(node.rounds.open),
            blob_route(node.exchange.serve),
            Route("/healthz", healthz),
        ]
    )
