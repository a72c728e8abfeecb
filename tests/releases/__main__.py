"""Starts `edge_node` or `central` as another release, with hands that work from a folder."""

from __future__ import annotations

import importlib
import runpy
import sys

RELEASES = ("older", "this", "newer")


def main() -> None:
    """Change what another release would have otherwise, then run the program named."""
    release, program = sys.argv[1:3]
    assert release in RELEASES, release
    if release != "this":
        importlib.import_module(f"tests.releases.{release}").change()
    importlib.import_module("tests.releases.hands").lend()
    sys.argv = [program, *sys.argv[3:]]
    runpy.run_module(program, run_name="__main__")


if __name__ == "__main__":
    main()
