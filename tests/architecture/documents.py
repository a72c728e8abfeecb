"""What can be checked of a document: its links, the tests and the places it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.architecture.house import ROOT

GUARANTEES = tuple(f"G{n}" for n in range(1, 12))
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_TEST = re.compile(r"(tests/[\w/.-]+\.py)::(\w+)")
_LATER = re.compile(r"\bissues?\b", re.IGNORECASE)
_ROW = re.compile(r"^\|\s*\**(G\d+)\**\s*\|", re.MULTILINE)


def dead_links(document: Path) -> list[str]:
    """Return links to files that are not there; addresses on the net are not followed."""
    text = _CODE.sub("", _FENCE.sub("", document.read_text(encoding="utf-8")))
    found = []
    for target in _LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target) or target.startswith("#"):
            continue
        path = target.partition("#")[0]
        base = ROOT if path.startswith("/") else document.parent
        if not (base / path.lstrip("/")).exists():
            found.append(f"{document.name}: {target}")
    return found


def unknown_tests(text: str) -> list[str]:
    """Return tests named as `path::name` that do not exist."""
    return [f"{path}::{name}" for path, name in _TEST.findall(text) if not _has(path, name)]


def _has(path: str, name: str) -> bool:
    file = ROOT / path
    if not file.is_file():
        return False
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        for node in ast.walk(tree)
    )


def unproved(text: str) -> list[str]:
    """Return guarantees that neither name a test nor say which later issue brings it."""
    rows = {row[1]: line for line in text.splitlines() if (row := _ROW.match(line))}
    found = [name for name in GUARANTEES if name not in rows]
    for name, line in rows.items():
        proof = line.rstrip().rstrip("|").rpartition("|")[2]
        if not _TEST.search(proof) and not _LATER.search(proof):
            found.append(name)
    return found


def code_map(text: str) -> list[str]:
    """Return the places named in the first column of the code map."""
    section = re.search(r"^## Code map$(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    if section is None:
        return []
    return [
        place
        for line in section[1].splitlines()
        if line.startswith("|")
        for place in re.findall(r"`([\w/.-]+)`", line.split("|")[1])
    ]
