"""The command group of central and what its commands share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from central import approvals
from central.answers import EXIT_CODES
from node.program import Node
from node.release import RELEASE


def now_ms() -> int:
    """Return the wall clock in ms."""
    return time.time_ns() // 1_000_000


def data_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that names the data folder."""
    folder = click.Path(file_okay=False, path_type=Path)
    return click.option("--data", type=folder, required=True, help="中心的数据文件夹。")(function)


def as_json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that turns the answer into JSON."""
    return click.option("--json", "as_json", is_flag=True, help="用 JSON 输出。")(function)


def database_url() -> str:
    """Return where central's data is: a database of a PostgreSQL server, "" for its own file.

    `__main__` takes it from the environment: a password has no place on a command line.
    """
    return click.get_current_context().find_root().obj or ""


@contextmanager
def opened(folder: Path, *, must_exist: bool = True) -> Iterator[Node]:
    """Give the node of central in a folder; it may be running in other processes meanwhile."""
    node = Node(
        folder,
        clock_ms=now_ms,
        release=RELEASE,
        must_exist=must_exist,
        database_url=database_url(),
    )
    try:
        approvals.join(node, folder)
        yield node
    finally:
        node.close()


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(RELEASE, prog_name="yizhan-central")
def cli() -> None:
    """驿站中心:建立中心、导入并发布目录、签发入网单、运行控制台。"""
