"""导出到U盘 and 导入 on the page 上报情况: one file down to the browser, one file up from it."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

import structlog
from fastapi import APIRouter, Depends
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from edge_node.site import Site
from edge_node.sync_page import sync_values
from node import stick_words
from node.files import SPOOL
from sync.protocol.errors import SyncError
from ui.people import NoPost, signed_in

IMPORT_PATH: Final = "/sync/stick/import"
POSTS: Final = ("intake", "accept", "admin")
"""Who may carry the station's records out and receipts in: whoever writes them, or runs it."""

log = structlog.get_logger("edge_node.stick")


def stick_router(site: Site) -> APIRouter:
    """The routes /sync/stick/export and /sync/stick/import."""
    router = APIRouter(
        prefix="/sync/stick", dependencies=[Depends(site.gate.person)], include_in_schema=False
    )

    def page(request: Request, sentence: str, status: int = 200) -> Response:
        with site.look() as look:
            values = sync_values(site, look)
        values["answer"] = sentence
        return site.pages.render(request, "sync.html", status=status, **values)

    @router.post("/export")
    def export(request: Request) -> Response:
        _carriers_only(request)
        spool = site.node.folder / SPOOL
        spool.mkdir(mode=0o700, exist_ok=True)
        try:
            made = site.node.files.export_up(spool)
        except SyncError as error:
            return page(request, stick_words.refused(error), 422)
        except OSError as error:
            return page(request, stick_words.unreadable(error), 507)
        log.info("bundle_exported", number=made.number, by=signed_in(request).no)
        return FileResponse(
            made.path,
            media_type="application/octet-stream",
            filename=made.path.name,
            background=BackgroundTask(_remove, made.path),
        )

    @router.post("/import")
    async def take_in(request: Request) -> Response:
        _carriers_only(request)
        form = await request.form(max_files=1, max_fields=8)
        upload = form.get("bundle")
        if not isinstance(upload, UploadFile) or not upload.size:
            return page(request, "没有选择数据包文件,没有导入任何内容。", 422)
        return await run_in_threadpool(taken, request, upload.file)

    def taken(request: Request, file: BinaryIO) -> Response:
        try:
            done = site.node.files.import_upload(file)
        except SyncError as error:
            return page(request, stick_words.refused(error), 422)
        except OSError as error:
            return page(request, stick_words.unreadable(error), 507)
        log.info("bundle_imported", way=done.way, by=signed_in(request).no)
        return page(request, stick_words.imported(done, site.node.station_name))

    @router.get("/export")
    @router.get("/import")
    def back() -> Response:
        return RedirectResponse("/sync", status_code=303)

    return router


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _carriers_only(request: Request) -> None:
    if not signed_in(request).may(*POSTS):
        raise NoPost("导出和导入数据包需要“收件”“受理”或“站点管理”岗位。没有改动任何内容。")
