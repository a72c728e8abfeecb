"""The root of the command line `yizhan`, and how its commands answer."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import click

REFUSED = 1
EXIT_CODES = "退出码:0 完成;1 没有做成,没有改动;2 用法不对。"

as_json_option = click.option("--json", "as_json", is_flag=True, help="以 JSON 回答,给程序读。")


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """驿站:运维台的命令。核验数据包用 yizhan verify 文件。"""


def say(as_json: bool, facts: Any, lines: list[str]) -> None:
    """Show the facts as JSON, or the lines for people."""
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)


def refuse(as_json: bool, code: str, sentence: str, **facts: Any) -> NoReturn:
    """Show why nothing was done and leave."""
    if as_json:
        click.echo(json.dumps({"code": code, "sentence": sentence, **facts}, ensure_ascii=False))
    else:
        click.echo(sentence, err=True)
    raise SystemExit(REFUSED)
