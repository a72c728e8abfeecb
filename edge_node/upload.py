"""A posted form with one file, taken as it comes: nothing of it is ever put into a plain file.

The usual parser spools a large upload to a temporary file, where a scan would lie unencrypted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ui.forms import FormKeyMissing, checked_key

FIELD_BYTES_MAX: Final = 4096
FIELDS_MAX: Final = 16


class Sink(Protocol):
    """Takes the bytes of the file, in a thread that may wait for the disk."""

    def feed(self, data: bytes) -> None: ...


class Upload:
    """What was posted: the fields ahead of the file, and the file's type as the browser says."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.media_type = ""

    @property
    def key(self) -> str:
        """The form's one-time key. Raises: FormKeyMissing."""
        return checked_key(self.fields.get("form_key"))


class _Reader:
    """Callbacks of the parser; file bytes wait in `file` until they are taken out."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.file: list[bytes] = []
        self._name = ""
        self._header = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._text: bytearray | None = None

    def on_part_begin(self) -> None:
        self._headers, self._text = {}, None

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            kind, _ = parse_options_header(self._headers.get(b"content-type", b""))
            self.upload.media_type = kind.decode("ascii", "replace").lower()
        else:
            self._text = bytearray()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._text is None:
            self.file.append(data[start:end])
        elif len(self._text) + end - start <= FIELD_BYTES_MAX:
            self._text += data[start:end]
        else:
            raise FormKeyMissing

    def on_part_end(self) -> None:
        if self._text is not None:
            if len(self.upload.fields) >= FIELDS_MAX:
                raise FormKeyMissing
            self.upload.fields[self._name] = self._text.decode("utf-8", "replace").strip()


async def read_upload(request: Request, open_sink: Callable[[Upload], Sink]) -> Upload:
    """Read a form to its end, the file into the sink that `open_sink` makes at its first byte.

    Raises: FormKeyMissing (not a form of ours), and what the sink raises; nothing is named then.
    """
    kind, options = parse_options_header(request.headers.get("content-type", "").encode("latin-1"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise FormKeyMissing
    upload = Upload()
    reader = _Reader(upload)
    names = [name for name in dir(reader) if name.startswith("on_")]
    callbacks = {name: getattr(reader, name) for name in names}
    try:
        parser = MultipartParser(options[b"boundary"], callbacks)  # type: ignore[arg-type]
    except FormParserError as error:
        raise FormKeyMissing from error
    sink: Sink | None = None
    async for data in _pieces(request):
        try:
            parser.write(data)
        except FormParserError as error:
            raise FormKeyMissing from error
        taken, reader.file = b"".join(reader.file), []
        if taken:
            if sink is None:
                sink = await run_in_threadpool(open_sink, upload)
            await run_in_threadpool(sink.feed, taken)
    return upload


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    async for data in request.stream():
        if data:
            yield data
