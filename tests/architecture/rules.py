"""The house rules a machine can check: each takes text and gives the lines that break it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

MODULE_LINES_MAX = 400
TEST_LINES_MAX = 500
FUNCTION_LINES_MAX = 80

_BANNED_MODULES = {"random", "uuid", "secrets"}
_BANNED = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "asyncio.sleep",
}
_ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "os.putenv"}
_UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
_MACHINE = re.compile(r"(?<![\w.~-])/(?:wo" + r"rk|ro" + r"ot|tm" + r"p/plan|tm" + r"p/probe)/")
_REGISTRIES = re.compile(
    "|".join(
        [
            "pypi" + r"\.org",
            "python" + "hosted",
            "npm" + r"js\.(?:org|com)",
            "(?:--|PIP_)(?:extra-)?ind" + "ex-url[= ]",
            "mirr" + r"ors?\.[a-z]+\.",
            "gopro" + r"xy\.",
        ]
    )
)


@lru_cache(maxsize=2)
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def dotted(node: ast.AST) -> str:
    """Return a name or attribute chain as text, its last two parts; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value).rpartition(".")[2]
        return f"{before}.{node.attr}" if before else node.attr
    return ""


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _uses(source: str, banned: set[str]) -> list[int]:
    tree = _parsed(source)
    used = [n.lineno for n in ast.walk(tree) if dotted(n) in banned and hasattr(n, "lineno")]
    imported = [line for line, name in _imports(tree) if name in banned]
    return sorted({*used, *imported})


def clock_or_chance(source: str) -> list[int]:
    """Return lines that read a clock, sleep or take chance; these come in through ports."""
    tree = _parsed(source)
    modules = [line for line, name in _imports(tree) if name.partition(".")[0] in _BANNED_MODULES]
    return sorted({*_uses(source, _BANNED), *modules})


def environment(source: str) -> list[int]:
    """Return lines that read the environment; only `__main__` does."""
    return _uses(source, _ENVIRONMENT)


def swallowed(source: str) -> list[int]:
    """Return lines where any exception at all is caught and nothing is done about it."""
    found = []
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or dotted(node.type) in {"Exception", "BaseException"}
            empty = all(isinstance(s, ast.Pass | ast.Continue) or _is_text(s) for s in node.body)
            if broad and empty:
                found.append(node.lineno)
        elif (
            isinstance(node, ast.Call)
            and dotted(node.func).endswith("suppress")
            and any(dotted(a) in {"Exception", "BaseException"} for a in node.args)
        ):
            found.append(node.lineno)
    return found


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def long_functions(source: str) -> list[int]:
    """Return lines where a function begins that is too long to be read at once."""
    return [
        node.lineno
        for node in ast.walk(_parsed(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]


def long_module(source: str) -> list[int]:
    """Return the first line beyond what a module may have."""
    return _beyond(MODULE_LINES_MAX, source)


def long_test_module(source: str) -> list[int]:
    """Return the first line beyond what a file of tests may have."""
    return _beyond(TEST_LINES_MAX, source)


def _beyond(lines_max: int, source: str) -> list[int]:
    return [lines_max + 1] if len(source.splitlines()) > lines_max else []


def unfinished(text: str) -> list[int]:
    """Return lines with a mark of work left for later."""
    return _lines_with(_UNFINISHED, text)


def machine_paths(text: str) -> list[int]:
    """Return lines that name a folder of the machine somebody worked on."""
    return _lines_with(_MACHINE, text)


def registry_addresses(text: str) -> list[int]:
    """Return lines that name a package registry: where packages come from is the host's affair."""
    return _lines_with(_REGISTRIES, text)


def undocumented(source: str) -> list[int]:
    """Return lines of tests that do not say their promise in a sentence."""
    return [
        node.lineno
        for node in ast.walk(_parsed(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]


def skipped(source: str) -> list[int]:
    """Return lines that leave a test out by a mark."""
    marks = {"mark.skip", "mark.skipif", "mark.xfail"}
    return sorted({n.lineno for n in ast.walk(_parsed(source)) if dotted(n) in marks})


def _lines_with(pattern: re.Pattern[str], text: str) -> list[int]:
    return [n for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
