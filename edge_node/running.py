"""Starting one node, serving it, and closing it; every foreseeable failure is one sentence."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import structlog

from edge_node import cli
from edge_node.app import create_link, create_pages
from edge_node.cli import Failure, World
from edge_node.commands import STARTED_FILE
from node import logs, memory, tidying
from node.homes import HomeBlobRoad, HomeRoad
from node.program import Node, Roads
from node.serving import CannotListen, bind, parse_address, serve
from sync.engine.homes import Place
from sync.transport.blob_client import BlobLink
from sync.transport.http_client import HttpLink
from ui import assets
from ui.security import LOOPBACK

log = structlog.get_logger("edge_node")


class Wanted(NamedTuple):
    """What the command line asked for."""

    listen: str
    sync_listen: str
    interval: float
    round_kib: int
    fallback_after: float
    parent_url: str
    hosts: tuple[str, ...]
    stick: Path | None = None
    answer: bool = False
    keep_days: int = tidying.KEEP_DAYS
    files_max_mb: int = 0


def run(world: World, data: Path, wanted: Wanted) -> None:
    """Run the node in `data` until a signal comes. Raises: Failure."""
    memory.keep_small()
    logs.configure()
    file = cli.node_file(data)
    if not file.parent:
        raise Failure("这个目录是中心的,不是站点的。请用中心程序运行。", "is_central")
    with cli.refusals(), cli.alone(data):
        try:
            front = parse_address(wanted.listen)
            with (
                closing(bind(front)) as pages,
                closing(bind(parse_address(wanted.sync_listen))) as link,
            ):
                node = _opened(world, data)
                try:
                    _start(world, node, wanted, wanted.parent_url or file.parent_url)
                    if wanted.stick is not None:
                        node.watch_stick(wanted.stick, answer=wanted.answer)
                    hosts = {*LOOPBACK, front.host, *wanted.hosts}
                    log.info("started", station=file.station, pages=front.port)
                    parts = [(create_pages(node, hosts=hosts), pages), (create_link(node), link)]
                    memory.settle()
                    serve(parts, tidy=memory.give_back)
                finally:
                    node.close()
                    log.info("stopped", station=file.station)
        except CannotListen as error:
            raise Failure(error.sentence, error.code) from error


def _opened(world: World, data: Path) -> Node:
    """The node; a database that was there once must be there still."""
    started = data / STARTED_FILE
    node = Node(data, clock_ms=world.clock_ms, release=world.release, must_exist=started.exists())
    started.touch()
    return node


def _start(world: World, node: Node, wanted: Wanted, parent_url: str) -> None:
    if assets.missing():
        log.warning("page_files_missing", help="python -m ui.assets")
    if not parent_url:
        raise Failure(
            "入网单里没有上级地址,请用 --parent-url 给出。数据没有改动。", "no_parent_url"
        )
    node.after_edition = memory.give_back
    node.case_files.station_bytes_max = wanted.files_max_mb * 1024 * 1024
    node.exchange.station_bytes_max = node.case_files.station_bytes_max
    home = HomeRoad(
        node.core,
        node.database,
        world.clock_ms,
        world.seconds,
        enrolled=Place(node.file.parent, parent_url),
        make=HttpLink,
        away_after=wanted.fallback_after,
    )
    roads = Roads(home, HomeBlobRoad(node.core, home.url, BlobLink), world.seconds, home.tend)
    node.start(
        roads,
        interval_seconds=wanted.interval,
        jitter=world.chance,
        round_bytes=wanted.round_kib * 1024,
        keep_days=wanted.keep_days,
    )
