"""Free ports on loopback, chosen once and kept: a restarted node answers where it did before."""

from __future__ import annotations

import errno
import socket

from demo.problems import DemoError

FIRST = 18700
LAST = 32000
"""Below Linux' range for outgoing connections, so that no such connection takes a port of ours."""
HOST = "127.0.0.1"


def free_ports(count: int, first: int = FIRST) -> list[int]:
    """The first free ports from `first` on. Raises: DemoError (not enough of them)."""
    found: list[int] = []
    for port in range(first, LAST):
        if _free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise DemoError(f"{first} 到 {LAST} 之间没有 {count} 个空闲端口。请关掉一些程序后再试。")


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
