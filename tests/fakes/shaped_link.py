"""A narrow, long road in user space: one queue per direction, shared by all connections, with a
rate and a delay. It takes in whatever a sender gives it, as a router with too large a buffer does.
"""

from __future__ import annotations

import asyncio
import threading

HOST = "127.0.0.1"
PIECE_BYTES = 512


class ShapedLink:
    """Forwards loopback connections at a rate, each way; counts what crossed."""

    def __init__(self, target_port: int, *, bits_per_second: int, delay_seconds: float) -> None:
        """Shapes: `delay_seconds` one way."""
        self._target = target_port
        self._rate = bits_per_second / 8
        self._delay = delay_seconds
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._queues: dict[str, asyncio.Queue[tuple[asyncio.StreamWriter, bytes]]] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self.crossed = {"up": 0, "down": 0}
        self.port = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ShapedLink:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(10)

    def cut(self) -> None:
        """Break every connection off at once; new ones are taken."""
        self._loop.call_soon_threadsafe(self._break_off)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._begin())
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _begin(self) -> None:
        self._tasks = [asyncio.create_task(self._carry(way)) for way in ("up", "down")]
        server = await asyncio.start_server(self._connected, HOST, 0)
        self._server = server
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()

    def _stop(self) -> None:
        self._server.close()
        self._break_off()
        self._loop.stop()

    def _break_off(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()
        for queue in self._queues.values():
            while not queue.empty():
                queue.get_nowait()

    async def _carry(self, way: str) -> None:
        queue = self._queues[way] = asyncio.Queue()
        free_at = 0.0
        while True:
            writer, data = await queue.get()
            free_at = max(free_at, self._loop.time()) + len(data) / self._rate
            self.crossed[way] += len(data)
            await asyncio.sleep(max(free_at - self._loop.time(), 0))
            self._loop.call_at(free_at + self._delay, _deliver, writer, data)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await asyncio.sleep(self._delay * 2)  # the handshake
        far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        self._writers.add(far_writer)
        await asyncio.wait(
            {
                asyncio.create_task(self._take(reader, far_writer, "up")),
                asyncio.create_task(self._take(far_reader, writer, "down")),
            },
            return_when=asyncio.FIRST_COMPLETED,
        )
        await asyncio.sleep(self._delay * 2)
        for one in (writer, far_writer):
            self._writers.discard(one)
            one.transport.abort()

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str
    ) -> None:
        try:
            while data := await reader.read(PIECE_BYTES):
                self._queues[way].put_nowait((writer, data))
        except ConnectionError:
            return


def _deliver(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.transport.is_closing():
        writer.write(data)
