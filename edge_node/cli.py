"""What all commands share: the data folder, answers in words or JSON, refusals as one sentence.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 works but not all is well.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from casework.errors import DomainRefusal
from node import enrolment
from node.schema import SCHEMA
from sync.protocol.errors import SyncError
from sync.signing import read_key
from sync.store.database import Database

OK, FAILED, USAGE, DEGRADED = 0, 1, 2, 3
LOCK_FILE: Final = "run.lock"


@dataclass(frozen=True, slots=True)
class World:
    """What only `__main__` may read: the clock, one that only goes forward, and chance."""

    clock_ms: Callable[[], int]
    seconds: Callable[[], float]
    chance: Callable[[], float]
    release: str


class Failure(click.ClickException):
    """A command that did not do what was asked: one sentence, exit code 1."""

    exit_code = FAILED

    def __init__(self, sentence: str, code: str = "failed", *, as_json: bool = False) -> None:
        super().__init__(sentence)
        self.code = code
        self.as_json = as_json

    def show(self, _file: Any = None) -> None:
        """Say the sentence on stderr, or as JSON on stdout."""
        if self.as_json:
            click.echo(
                json.dumps({"code": self.code, "sentence": self.message}, ensure_ascii=False)
            )
        else:
            click.echo(self.message, err=True)


data_option = click.option(
    "--data",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="数据目录。",
)
stick_option = click.option(
    "--stick",
    type=click.Path(file_okay=False, path_type=Path),
    help="盯着这个文件夹(U盘或投递文件夹),里面给本站的数据包自动导入。",
)
answer_option = click.option(
    "--stick-answer", "answer", is_flag=True, help="导入后把回执或新的数据包写回同一文件夹。"
)
json_option = click.option("--json", "as_json", is_flag=True, help="以 JSON 输出。")


def say(facts: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    """Print an answer, for people or for programs."""
    if as_json:
        click.echo(json.dumps({"schema_version": 1, **facts}, ensure_ascii=False))
    else:
        click.echo("\n".join(lines))


@contextmanager
def refusals(*, as_json: bool = False) -> Iterator[None]:
    """Turn every refusal and storage failure into one sentence and exit code 1."""
    try:
        yield
    except (SyncError, DomainRefusal) as error:
        raise Failure(error.sentence, error.code, as_json=as_json) from error
    except OSError as error:
        sentence = (
            f"读写数据目录出错({os.strerror(error.errno or 0)})。数据没有改动。请检查磁盘和权限。"
        )
        raise Failure(sentence, "os_error", as_json=as_json) from error


def node_file(data: Path, *, as_json: bool = False) -> enrolment.NodeFile:
    """Who the node in a folder is. Raises: Failure (nobody was enrolled there)."""
    try:
        return enrolment.read_node(data)
    except FileNotFoundError as error:
        sentence = (
            f"目录 {data} 里没有已入网的站点。请先用“yizhan-node enrol 入网单 --data {data}”入网。"
        )
        raise Failure(sentence, "not_enrolled", as_json=as_json) from error


@contextmanager
def database(data: Path, *, as_json: bool = False) -> Iterator[Database]:
    """The node's database, beside a running node if there is one. Raises: Failure."""
    path = data / enrolment.NODE_DATABASE
    if not path.exists():
        sentence = f"站点还没有启动过,没有数据库。请先用“yizhan-node run --data {data} …”启动一次。"
        raise Failure(sentence, "never_run", as_json=as_json)
    key = read_key(data / enrolment.DATABASE_KEY)
    opened = Database(path, key, schema=SCHEMA, must_exist=True, quick_check=False)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold the folder for one running node. Raises: Failure (another one runs)."""
    with open(data / LOCK_FILE, "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            sentence = f"目录 {data} 的站点程序已在运行,没有再启动一个。数据没有改动。"
            raise Failure(sentence, "already_running") from error
        yield


def finish(code: int) -> NoReturn:
    """End with an exit code."""
    raise click.exceptions.Exit(code)
