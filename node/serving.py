"""Two servers in one process: pages for people on one socket, rounds for children on the other.

Sockets are bound first, so that a taken port is a sentence and not a traceback. SIGTERM and SIGINT
end both servers; requests in flight are finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import anyio.to_thread
import uvicorn
from starlette.types import ASGIApp

THREADS_MAX: Final = 8
"""Requests worked on at once; each may hold a reader of the database."""
TIDY_SECONDS: Final = 10
"""How often memory no longer in use is handed back; costs some milliseconds."""
STOP_SECONDS: Final = 10
KEEP_ALIVE_SECONDS: Final = 75
BACKLOG: Final = 256


_PORT = re.compile("[0-9]{1,5}")


class CannotListen(Exception):
    """An address cannot be listened on; `sentence` says which and what to do."""

    code = "cannot_listen"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Address(NamedTuple):
    """HOST:PORT as given."""

    host: str
    port: int


def parse_address(text: str) -> Address:
    """The address in HOST:PORT or [IPV6]:PORT. Raises: CannotListen."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or _PORT.fullmatch(port) is None or int(port) > 65535:
        raise CannotListen(f"地址“{text}”写法不对,应是 主机:端口,例如 127.0.0.1:8080。")
    return Address(host.strip("[]"), int(port))


def bind(address: Address) -> socket.socket:
    """A listening socket. Raises: CannotListen."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        taken = error.errno == errno.EADDRINUSE
        why = "已被别的程序占用" if taken else "不能使用"
        raise CannotListen(
            f"端口 {address.port}({address.host}){why},程序没有启动,数据没有改动。"
            "请先退出占用它的程序(可能是本程序已在运行),或换一个端口。"
        ) from error
    found.setblocking(False)
    return found


def serve(parts: Sequence[tuple[ASGIApp, socket.socket]], *, tidy: Callable[[], None]) -> None:
    """Serve each app on its socket until a signal comes; `tidy` is called now and then."""
    asyncio.run(_serve(parts, tidy))


async def _serve(parts: Sequence[tuple[ASGIApp, socket.socket]], tidy: Callable[[], None]) -> None:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS_MAX
    servers = [_Server(_config(app)) for app, _ in parts]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    sockets = [listening for _, listening in parts]
    tidying = asyncio.create_task(_tidy_often(tidy))
    await asyncio.gather(
        *(server.serve(sockets=[own]) for server, own in zip(servers, sockets, strict=True))
    )
    tidying.cancel()


async def _tidy_often(tidy: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        await anyio.to_thread.run_sync(tidy)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
