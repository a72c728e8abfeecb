"""`python -m demo check | run | screenshots`: everything it starts ends with it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from demo.console import nodes, stay
from demo.interrupts import Interrupts
from demo.play import Play
from demo.ports import FIRST
from demo.problems import DemoError, Interrupted
from demo.report import Report
from demo.say import quiet, say
from demo.story.cast import Onlooker
from demo.town import INTERVAL_SECONDS, Town

FAILED = 1
INTERRUPTED = 130
CHECK_PORT_STEP = 30
CHECK_PORT_PLACES = 400


def main() -> int:
    """Run one subcommand; the exit code."""
    options = _options()
    quiet(options.json_only)
    interrupts = Interrupts()
    interrupts.install()
    folder = options.dir
    report = Report()
    try:
        folder = (folder or Path(tempfile.mkdtemp(prefix="yizhan-demo-"))).resolve()
        report = _in_folder(options, folder, interrupts)
    except Interrupted:
        say("演示已结束,所有启动的程序都已停止。")
        return INTERRUPTED
    except DemoError as problem:
        say(f"✗ {problem.sentence}")
    finally:
        if options.dir is None and folder is not None and (report.ok or not report.steps):
            shutil.rmtree(folder, ignore_errors=True)
    if not report.ok:
        say(f"没有成功。各节点的日志在 {folder}。")
    if options.what == "check":
        print(report.line(), flush=True)
    return 0 if report.ok else FAILED


def _in_folder(options: argparse.Namespace, folder: Path, interrupts: Interrupts) -> Report:
    if options.what != "screenshots":
        return _in_town(options, folder, interrupts, None)
    from demo.album import Album  # only what this command needs

    with Album(options.folder) as album:
        return _in_town(options, folder, interrupts, album)


def _in_town(
    options: argparse.Namespace, folder: Path, interrupts: Interrupts, onlooker: Onlooker | None
) -> Report:
    town = Town(
        folder,
        interrupts,
        interval_seconds=options.interval,
        first_port=options.port or _first_port(options.what),
    )
    try:
        opened = nodes if options.what == "run" else None
        play = Play(town, getattr(options, "kill", None), opened)
        play.story.onlooker = onlooker
        report = play.perform()
        if options.what == "run" and report.ok:
            _stay(play)
        return report
    finally:
        town.stop()


def _stay(play: Play) -> None:
    """Let the visitor click through; Ctrl-C is how a visit ends, not a failure."""
    try:
        stay(play.story)
    except Interrupted:
        say("演示已结束,正在停止所有启动的程序。")


def _first_port(what: str) -> int:
    """The same ports every time for visitors; others for checks, which may run side by side."""
    if what == "run":
        return FIRST
    return FIRST + CHECK_PORT_STEP * (1 + os.getpid() % CHECK_PORT_PLACES)


def _options() -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--dir", type=Path, help="放在哪个空文件夹;不填用临时文件夹,结束后删除")
    common.add_argument("--port", type=int, help="从哪个端口开始找空闲端口")
    common.add_argument(
        "--interval", type=float, default=INTERVAL_SECONDS, help="节点多少秒联系一次上级"
    )
    common.add_argument("--json-only", action="store_true", help="不显示进度,只输出结果")
    parser = argparse.ArgumentParser(prog="python -m demo", description="驿站演示:七个真实节点")
    commands = parser.add_subparsers(dest="what", required=True)
    check = commands.add_parser("check", parents=[common], help="演一遍,最后一行输出 JSON")
    check.add_argument("--kill", type=int, metavar="种子", help="随机杀掉并重启一个节点")
    commands.add_parser("run", parents=[common], help="演一遍,然后留着给人看")
    shots = commands.add_parser("screenshots", parents=[common], help="演一遍并拍下页面")
    shots.add_argument("folder", type=Path, help="截图放在哪个文件夹")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
