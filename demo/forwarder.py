"""One TCP forwarder per link, so that a road can be cut and restored while the nodes know nothing.

A cut closes the listening socket and every connection; restoring listens on the same port again.
All links run in one event loop in a thread of their own. Counts payload bytes per exchange.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from demo.problems import DemoError

HOST = "127.0.0.1"
PIECE_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
EXCHANGES_KEPT = 64

T = TypeVar("T")


class Link:
    """One road from a child to its parent: `port` is what the child was told to call."""

    def __init__(self, name: str, title: str, port: int, target_port: int) -> None:
        self.name = name
        self.title = title
        self.port = port
        self.target_port = target_port
        self.is_cut = True
        self.meter = Meter()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen. Raises: OSError (the port is taken)."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, HOST, self.port, reuse_address=True
            )
            self.is_cut = False

    async def close(self) -> None:
        """Stop listening and break off every connection at once."""
        self.is_cut = True
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there = asyncio.open_connection(HOST, self.target_port)
            far_reader, far_writer = await asyncio.wait_for(there, CONNECT_SECONDS)
        except OSError:  # a timeout is one too
            self._drop(writer)
            return
        self._writers.add(far_writer)
        if self.is_cut:  # cut while the connection was being made
            self._drop(writer, far_writer)
            return
        up = asyncio.create_task(self._pump(reader, far_writer, True))
        down = asyncio.create_task(self._pump(far_reader, writer, False))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            self._drop(writer, far_writer)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upward: bool
    ) -> None:
        try:
            while piece := await reader.read(PIECE_BYTES):
                self.meter.count(len(piece), upward)
                writer.write(piece)
                await writer.drain()
        except OSError:
            return  # an end broke off; the caller drops both

    def _drop(self, *writers: asyncio.StreamWriter) -> None:
        for writer in writers:
            self._writers.discard(writer)
            writer.close()


class Meter:
    """Payload bytes of a link, by exchange: what the child sent and what it got for it."""

    def __init__(self) -> None:
        self.total = 0
        self.begun = 0
        self._exchanges: deque[int] = deque(maxlen=EXCHANGES_KEPT)
        self._last_upward = False

    def count(self, size: int, upward: bool) -> None:
        """Count a piece; a piece upward after one downward begins a new exchange."""
        self.total += size
        if not self._exchanges or (upward and not self._last_upward):
            self._exchanges.append(0)
            self.begun += 1
        self._exchanges[-1] += size
        self._last_upward = upward

    def complete(self, after: int = 0) -> list[int]:
        """The bytes of the exchanges begun after the first `after`, as far as they are kept.

        Without the newest, which may still be under way.
        """
        newer = min(self.begun - after, len(self._exchanges))
        return list(self._exchanges)[len(self._exchanges) - newer : -1]


class Forwarder:
    """All links of the demonstration."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        self._thread.start()

    def add(self, name: str, title: str, port: int, target_port: int) -> Link:
        """Open a new link. Raises: DemoError (the port is in use)."""
        link = Link(name, title, port, target_port)
        self.links[name] = link
        self.restore(name)
        return link

    def cut(self, name: str) -> None:
        """Cut a link; nothing happens if it is cut already."""
        self._call(self.links[name].close())

    def restore(self, name: str) -> None:
        """Open a link again on its port. Raises: DemoError (the port is in use)."""
        link = self.links[name]
        try:
            self._call(link.open())
        except OSError as error:
            raise DemoError(
                f"线路 {name} 的端口 {link.port} 被别的程序占用,没有接通。请关掉那个程序后再试。"
            ) from error

    def stop(self) -> None:
        """Cut everything and end the thread; safe to repeat."""
        if not self._thread.is_alive():
            return
        for link in self.links.values():
            self._call(link.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_SECONDS)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()
