"""U盘 at the console: bundles that were brought are taken in, one for a station is made.

The same bundles as `yizhan-central bundle`; a file goes from and to the browser.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import structlog
from fastapi import APIRouter, Depends
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from central.console import ADMIN, STAFF, Console
from central.supervision import Fleet
from node import stick_words
from node.files import SPOOL
from sync.engine import file_book
from sync.protocol import bundles
from sync.protocol.errors import SyncError
from ui.forms import Form
from ui.login import FormOf
from ui.people import Person, signed_in

PATH: Final = "/sticks"
IMPORT_PATH: Final = "/sticks/import"
UPLOAD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Through the browser; larger ones go by the command line or the watched folder."""
NOTHING_CHOSEN: Final = "没有选择数据包文件,没有导入任何内容。"

log = structlog.get_logger("central.stick")


class StickLine(NamedTuple):
    """What went between a station and central by stick. Shapes: numbers 0 for none."""

    code: str
    name: str
    brought: int
    made: file_book.Made


def router(console: Console) -> APIRouter:
    """Return the routes /sticks, /sticks/import and /sticks/export."""
    router = APIRouter(include_in_schema=False)
    admin = Depends(console.holding(ADMIN))

    def page(request: Request, sentence: str = "", status: int = 200) -> Response:
        values = stick_values(console)
        return console.pages.render(
            request,
            "sticks.html",
            status=status,
            answer=sentence,
            may_carry=signed_in(request).may(ADMIN),
            form_key=console.node.core.chance.bytes(16).hex(),
            **values,
        )

    @router.get(PATH, dependencies=[Depends(console.holding(*STAFF))])
    def sticks(request: Request) -> Response:
        return page(request)

    @router.post("/sticks/export")
    def export(request: Request, form: FormOf, person: Person = admin) -> Response:
        assert form.key
        code, spool = form.text("station"), console.folder / SPOOL
        spool.mkdir(mode=0o700, exist_ok=True)
        try:
            made = console.node.files.export_down(code, spool)
        except SyncError as error:
            return page(request, stick_words.refused(error), 422)
        except OSError as error:
            return page(request, stick_words.unreadable(error), 507)
        log.info("bundle_exported", number=made.number, to=code, by=person.no)
        return FileResponse(
            made.path,
            media_type="application/octet-stream",
            filename=made.path.name,
            background=BackgroundTask(_remove, made.path),
        )

    @router.post(IMPORT_PATH)
    async def take_in(request: Request, person: Person = admin) -> Response:
        form = await request.form(max_files=1, max_fields=8)
        upload = _upload(form)
        if upload is None:
            return await run_in_threadpool(page, request, NOTHING_CHOSEN, 422)
        return await run_in_threadpool(taken, request, upload.file, person)

    def taken(request: Request, file: BinaryIO, person: Person) -> Response:
        try:
            done = console.node.files.import_upload(file)
        except SyncError as error:
            return page(request, stick_words.refused(error), 422)
        except OSError as error:
            return page(request, stick_words.unreadable(error), 507)
        log.info("bundle_imported", maker=done.maker, number=done.number, by=person.no)
        return page(request, stick_words.imported(done, console.node.station_name))

    @router.get("/sticks/export")
    @router.get(IMPORT_PATH)
    def back() -> Response:
        return RedirectResponse(PATH, status_code=303)

    return router


def stick_values(console: Console) -> dict[str, Any]:
    """What the page shows: every station with its newest bundles, and what the folder took."""
    node = console.node
    with node.database.read() as transaction:
        fleet = Fleet(node, transaction).lines()
        lines = [
            StickLine(
                line.code,
                line.name,
                file_book.last_taken(transaction, line.code, bundles.UP)[1],
                file_book.made(transaction, bundles.DOWN, line.code),
            )
            for line in fleet
            if line.enrolled and line.code != node.core.station
        ]
    folder = node.drop_folder
    return {
        "lines": lines,
        "folder": [f"{one.file}:{one.sentence}" for one in folder.results] if folder else [],
        "suffix": bundles.SUFFIX,
        "most_mb": UPLOAD_BYTES_MAX >> 20,
    }


def _upload(form: FormData) -> UploadFile | None:
    assert Form(form).key
    upload = form.get("bundle")
    return upload if isinstance(upload, UploadFile) and upload.size else None


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
