"""Files of a case on its page: attach one, see which are here, open one that is whole."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from edge_node.case_access import case_address, own_case
from edge_node.site import Look, Site
from edge_node.upload import Sink, Upload, read_upload
from node.case_files import CaseFile, FileEmpty, FileWriter
from sync.protocol.limits import FILE_BYTES_MAX
from ui.people import Person, signed_in
from ui.words import moment, size

MAY_ATTACH: Final = ("intake", "accept", "review", "decide", "issue")
FILES_PATH: Final = "/files"
"""End of the one address that takes more than a form."""
UPLOAD_BYTES_MAX: Final = FILE_BYTES_MAX + 64 * 1024
_SHOWN_INLINE: Final = frozenset({"image/jpeg", "image/png", "application/pdf"})
OTHER_TYPE: Final = "application/octet-stream"


def files_values(site: Site, look: Look, stream: str, person: Person) -> dict[str, Any]:
    """What the case's page shows of its files; what is missing is sent for."""
    files = site.node.case_files.listed(look.transaction, stream)
    site.node.open_files(files)
    return {
        "files": [_line(look, file) for file in files],
        "may_attach": person.may(*MAY_ATTACH),
        "file_mb_max": FILE_BYTES_MAX >> 20,
    }


def _line(look: Look, file: CaseFile) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "title": file.title or "附件",
        "size": size(file.size),
        "state": "到齐" if file.whole else f"未到({100 * file.held // file.size}%)",
        "whole": file.whole,
        "station": look.name(file.station),
        "actor": look.staff_name(file.actor),
        "at": moment(file.at_ms),
    }


def case_files_router(site: Site) -> APIRouter:
    """The routes /cases/{no}/files and /cases/{no}/files/{sha256}."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    @router.post("/cases/{no}/files")
    async def attach(request: Request, no: str) -> Response:
        person = signed_in(request)
        stream = await run_in_threadpool(_stream, site, no, person)
        writers: list[FileWriter] = []

        def open_sink(upload: Upload) -> Sink:
            assert upload.key
            writers.append(site.node.case_files.writer(stream))
            return writers[0]

        upload = await read_upload(request, open_sink)
        assert upload.key
        if not writers:
            raise FileEmpty
        await run_in_threadpool(_attach, site, stream, writers[0], upload, person)
        return RedirectResponse(f"{case_address(no)}?attached=1#files", status_code=303)

    @router.get("/cases/{no}/files/{sha256}")
    def download(no: str, sha256: str) -> Response:
        file = _file(site, no, sha256)
        kind, size, data = site.node.case_files.read(file.sha256)
        shown = kind in _SHOWN_INLINE
        headers = {
            "Content-Length": str(size),
            "Content-Disposition": "inline" if shown else f'attachment; filename="{sha256[:12]}"',
        }
        return StreamingResponse(data, media_type=kind if shown else OTHER_TYPE, headers=headers)

    return router


def _stream(site: Site, no: str, person: Person) -> str:
    if not person.may(*MAY_ATTACH):
        raise HTTPException(403)
    with site.look() as look:
        return own_case(site, look, no).stream


def _attach(site: Site, stream: str, writer: FileWriter, upload: Upload, person: Person) -> None:
    """Name the file in an event; the same file posted twice by this station is named once."""
    file = writer.finish(upload.media_type)
    with site.look() as look:
        held = site.node.case_files.listed(look.transaction, stream)
    if any((one.sha256, one.station) == (file.sha256, site.station) for one in held):
        return
    site.node.attach(stream, file, title=upload.fields.get("title", ""), actor=person.no)


def _file(site: Site, no: str, sha256: str) -> CaseFile:
    with site.look() as look:
        stream = own_case(site, look, no).stream
        for file in site.node.case_files.listed(look.transaction, stream):
            if file.sha256 == sha256:
                return file
    raise HTTPException(404)
