"""Both listeners of central in one process: the console, and the rounds of its children.

Sockets are bound before anything is served, so that a taken port is a sentence and not a trace.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

STOP_SECONDS = 30.0


class ListenRefused(Exception):
    """An address cannot be listened on."""

    code = "cannot_listen"

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.sentence = f"地址 {address} 不能监听:格式不对、不是本机地址或端口已被占用。"


def bind(address: str) -> socket.socket:
    """Return a listening socket for HOST:PORT. Raises: ListenRefused."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit():
        raise ListenRefused(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, int(port)))
        found.listen()
    except (OSError, OverflowError) as error:
        found.close()
        raise ListenRefused(address) from error
    return found


def serve(console: ASGIApp, rounds: ASGIApp, listening: Sequence[socket.socket]) -> None:
    """Serve until a signal ends the console; then end the rounds too.

    Shapes: `listening` are the sockets of the console and of the rounds.
    """
    front, back = _server(console), _server(rounds)

    def stop(*_: object) -> None:
        front.should_exit = True

    # uvicorn raises its signal again when it is done; it must find this handler then, so that
    # the caller goes on to close its files.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    thread = threading.Thread(target=back.run, args=([listening[1]],), name="rounds", daemon=True)
    thread.start()
    try:
        front.run([listening[0]])
    finally:
        back.should_exit = True
        thread.join(STOP_SECONDS)


def _server(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_graceful_shutdown=int(STOP_SECONDS / 2),
    )
    return uvicorn.Server(config)
