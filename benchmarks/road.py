"""A road between two processes that counts, and can be thin, long and cut: a TCP forwarder.

Bytes are TCP payload in both directions, as in the measurements of other products. Rate and delay
are per direction; what is under way is bounded, as it is in a modem.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass

HOST = "127.0.0.1"
REQUEST = b" HTTP/1.1\r\n"
PIECE_BYTES = 64 * 1024
THIN_PIECE_BYTES = 1400
ROAD_BYTES = 16 * 1024
"""What either end of a road holds of a connection; the system would hold a hundred times that."""
MODEM_BYTES = 16 * 1024
"""What a thin road takes in ahead of what it has sent."""


@dataclass(frozen=True)
class Shape:
    """How thin and long a road is. Units: bits/s, seconds one way, seconds between cuts."""

    bits_per_second: float = 0.0
    delay_seconds: float = 0.0
    cut_every_seconds: float = 0.0


@dataclass
class Count:
    """What went over a road since it was last read."""

    up: int = 0
    down: int = 0
    requests: int = 0
    connections: int = 0

    @property
    def total(self) -> int:
        """Return the bytes of both directions."""
        return self.up + self.down


class Road:
    """One forwarder in a thread of its own; `url` is what the child is told to call."""

    def __init__(self, target_port: int, shape: Shape | None = None) -> None:
        self._target = target_port
        self._shape = shape or Shape()
        self._count = Count()
        self._lock = threading.Lock()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        self.open = True
        self.limit_up = 0
        """Cut every connection once so many bytes went up in all, 0 never."""
        self.limit_down = 0
        self._all_up = self._all_down = 0
        threading.Thread(target=self._run, name="road", daemon=True).start()
        self._ready.wait()

    @property
    def url(self) -> str:
        """Return the address at this end."""
        return f"http://{HOST}:{self.port}"

    def take(self) -> Count:
        """Return what went over it since the last call."""
        with self._lock:
            found, self._count = self._count, Count()
            return found

    @property
    def requests(self) -> int:
        """Return how many requests went over it since the last `take`."""
        with self._lock:
            return self._count.requests

    def cut(self) -> None:
        """Break off every connection at once; new ones are refused until `restore`."""
        self.open = False
        self._loop.call_soon_threadsafe(self._drop_all)

    def restore(self) -> None:
        """Let connections through again."""
        self.limit_up = self.limit_down = 0
        self.open = True

    def stop(self) -> None:
        """End for good."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = socket.create_server((HOST, 0))
        _keep_little(listening)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=listening))
        self.port = server.sockets[0].getsockname()[1]
        if self._shape.cut_every_seconds:
            self._loop.create_task(self._cut_often())
        self._ready.set()
        self._loop.run_forever()

    async def _cut_often(self) -> None:
        while True:
            await asyncio.sleep(self._shape.cut_every_seconds)
            self._drop_all()

    def _drop_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        for end in (writer, far_writer):
            _keep_little(end.get_extra_info("socket"))
            end.transport.set_write_buffer_limits(ROAD_BYTES)
        self._writers |= {writer, far_writer}
        with self._lock:
            self._count.connections += 1
        pumps = {
            asyncio.create_task(self._pump(reader, far_writer, upward=True)),
            asyncio.create_task(self._pump(far_reader, writer, upward=False)),
        }
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for one in (writer, far_writer):
            self._writers.discard(one)
            one.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upward: bool
    ) -> None:
        line = _Line(self._shape, writer)
        size = THIN_PIECE_BYTES if self._shape.bits_per_second else PIECE_BYTES
        try:
            while piece := await reader.read(size):
                await line.send(piece)
                self._counted(piece, upward=upward)
            await line.flush()
        except OSError:
            return

    def _counted(self, piece: bytes, *, upward: bool) -> None:
        with self._lock:
            if upward:
                self._count.up += len(piece)
                self._count.requests += piece.count(REQUEST)
                self._all_up += len(piece)
            else:
                self._count.down += len(piece)
                self._all_down += len(piece)
            over_up = self.limit_up and self._all_up >= self.limit_up
            over_down = self.limit_down and self._all_down >= self.limit_down
        if over_up or over_down:
            self.open = False
            self._drop_all()


def _keep_little(end: socket.socket) -> None:
    """Have a socket hold little: what a road took in and has not delivered is lost in a cut."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROAD_BYTES)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROAD_BYTES)


class _Line:
    """One direction of a connection: pieces leave at the rate and arrive after the delay."""

    def __init__(self, shape: Shape, writer: asyncio.StreamWriter) -> None:
        self._bytes_per_second = shape.bits_per_second / 8
        self._delay = shape.delay_seconds
        self._writer = writer
        self._free_at = 0.0
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._deliverer: asyncio.Task[None] | None = None

    async def send(self, piece: bytes) -> None:
        """Put a piece on the line; returns when the modem has room for the next."""
        if not self._bytes_per_second and not self._delay:
            self._writer.write(piece)
            await self._writer.drain()
            return
        now = time.monotonic()
        rate = self._bytes_per_second or float("inf")
        self._free_at = max(now, self._free_at) + len(piece) / rate
        self._under_way.append((self._free_at + self._delay, piece))
        if self._deliverer is None or self._deliverer.done():
            self._deliverer = asyncio.create_task(self._deliver())
        ahead = (self._free_at - now) * rate if self._bytes_per_second else 0.0
        if ahead > MODEM_BYTES:
            await asyncio.sleep((ahead - MODEM_BYTES) / rate)

    async def flush(self) -> None:
        """Return when everything on the line has arrived."""
        if self._deliverer is not None:
            await self._deliverer

    async def _deliver(self) -> None:
        while self._under_way:
            at, piece = self._under_way.popleft()
            await asyncio.sleep(max(at - time.monotonic(), 0))
            self._writer.write(piece)
            await self._writer.drain()
