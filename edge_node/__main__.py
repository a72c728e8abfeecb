"""`python -m edge_node`, installed as `yizhan-node`: the only place that reads clock and chance."""

from __future__ import annotations

import random
import sys
import time

# Libraries load these where they happen to be installed, for what is never used here: 6 MiB.
for unused in ("rich", "greenlet"):
    sys.modules.setdefault(unused, None)  # type: ignore[arg-type]

from edge_node import commands, life_commands  # noqa: E402
from edge_node.cli import World  # noqa: E402
from edge_node.stick_commands import bundle  # noqa: E402
from node.release import RELEASE  # noqa: E402

__all__ = ["bundle", "main"]


def main() -> None:
    """Run the command line; settings may also stand in YIZHAN_NODE_* variables."""
    if not __debug__:
        sys.exit("程序不能在 python -O 下运行:内部核对会被关掉。没有启动。")
    world = World(
        clock_ms=lambda: time.time_ns() // 1_000_000,
        seconds=time.monotonic,
        chance=random.random,
        release=RELEASE,
    )
    assert life_commands, "loaded for the commands it adds"
    commands.main(obj=world, prog_name="yizhan-node", auto_envvar_prefix="YIZHAN_NODE")


if __name__ == "__main__":
    main()
