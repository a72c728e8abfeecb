"""The house stays tidy: rules over every file, each shown to bite on a bad snippet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.house import PRODUCT, PURE, ROOT, modules, texts

Rule = Callable[[str], list[int]]


def _rules_of(path: Path) -> Iterable[Rule]:
    """Return the rules for one module."""
    package, tests = path.relative_to(ROOT).parts[0], "tests" in path.relative_to(ROOT).parts
    yield from (rules.long_functions, rules.swallowed)
    if package in PURE:
        yield rules.clock_or_chance
    if package in PRODUCT and path.name != "__main__.py":
        yield rules.environment
    if tests:
        yield from (rules.undocumented, rules.skipped, rules.long_test_module)
    else:
        yield rules.long_module


@cache
def _breaches() -> dict[Rule, list[str]]:
    """Return `file:line` for every breach of every rule; each module is parsed once."""
    found: dict[Rule, list[str]] = defaultdict(list)
    for path in modules():
        source = path.read_text(encoding="utf-8")
        for rule in _rules_of(path):
            found[rule] += [f"{path.relative_to(ROOT)}:{line}" for line in rule(source)]
    return found


def test_pure_floors_read_no_clock_and_take_no_chance() -> None:
    """Time and chance are arguments in `sync` and `casework`; else nothing could be replayed."""
    assert [] == _breaches()[rules.clock_or_chance]


def test_only_main_reads_the_environment() -> None:
    """Settings are frozen values handed in from the composition root."""
    assert [] == _breaches()[rules.environment]


def test_no_module_is_longer_than_can_be_held_in_mind() -> None:
    """Four hundred lines, five hundred for a file of tests."""
    assert [] == _breaches()[rules.long_module]
    assert [] == _breaches()[rules.long_test_module]


def test_no_function_is_longer_than_can_be_read_at_once() -> None:
    """Eighty lines at the very most."""
    assert [] == _breaches()[rules.long_functions]


def test_no_error_is_swallowed() -> None:
    """Catching everything and doing nothing hides what was not foreseen."""
    assert [] == _breaches()[rules.swallowed]


def test_every_test_says_its_promise_and_none_is_left_out() -> None:
    """A name, a sentence, and no skip mark."""
    assert [] == _breaches()[rules.undocumented]
    assert [] == _breaches()[rules.skipped]


def test_every_rule_was_asked() -> None:
    """No rule is kept only because no file was shown to it."""
    assert set(_breaches()) == {
        rules.clock_or_chance,
        rules.environment,
        rules.long_functions,
        rules.long_module,
        rules.long_test_module,
        rules.skipped,
        rules.swallowed,
        rules.undocumented,
    }


@pytest.mark.parametrize(
    "rule",
    [rules.unfinished, rules.machine_paths, rules.registry_addresses],
    ids=lambda r: r.__name__,
)
def test_no_file_carries_what_belongs_elsewhere(rule: Rule) -> None:
    """No work left for later, no folder of somebody's machine, no address of a registry."""
    found = [
        f"{path.relative_to(ROOT)}:{line}" for path, text in texts().items() for line in rule(text)
    ]
    assert [] == found


BAD: list[tuple[Rule, str]] = [
    (rules.clock_or_chance, "import time\nx = time.time()"),
    (rules.clock_or_chance, "from time import time\nx = time()"),
    (rules.clock_or_chance, "from time import monotonic as tick"),
    (rules.clock_or_chance, "import datetime\nx = datetime.datetime.now()"),
    (rules.clock_or_chance, "from datetime import datetime as d, date\nx = date.today()"),
    (rules.clock_or_chance, "import random"),
    (rules.clock_or_chance, "from random import choice"),
    (rules.clock_or_chance, "import uuid\nx = uuid.uuid4()"),
    (rules.clock_or_chance, "import asyncio\nasync def f():\n    await asyncio.sleep(1)"),
    (rules.environment, "import os\nx = os.environ['A']"),
    (rules.environment, "from os import environ"),
    (rules.environment, "import os\nx = os.getenv('A')"),
    (rules.swallowed, "try:\n    f()\nexcept Exception:\n    pass"),
    (rules.swallowed, "try:\n    f()\nexcept:\n    pass"),
    (rules.swallowed, "try:\n    f()\nexcept BaseException as e:\n    'why'\n    pass"),
    (
        rules.swallowed,
        "while x:\n    try:\n        f()\n    except Exception:\n        continue",
    ),
    (rules.swallowed, "with contextlib.suppress(Exception):\n    f()"),
    (rules.long_functions, "def f():\n" + "    x = 1\n" * 80),
    (rules.long_module, "x = 1\n" * 401),
    (rules.long_test_module, "x = 1\n" * 501),
    (rules.undocumented, "def test_x():\n    assert True"),
    (rules.skipped, "import pytest\n@pytest.mark.skip\ndef test_x():\n    pass"),
    (rules.skipped, "import pytest\n@pytest.mark.xfail(reason='x')\ndef test_x():\n    pass"),
    (rules.unfinished, "x = 1  # TO" + "DO later"),
    (rules.unfinished, "FIX" + "ME"),
    (rules.machine_paths, "see /wo" + "rk/main/x"),
    (rules.machine_paths, "open('/ro" + "ot/x')"),
    (rules.registry_addresses, "https://pypi" + ".org/simple"),
    (rules.registry_addresses, "pip install --ind" + "ex-url https://x"),
    (rules.registry_addresses, "https://x.npm" + "js.org/x"),
]


@pytest.mark.parametrize(("rule", "snippet"), BAD)
def test_each_rule_finds_what_it_is_for(rule: Rule, snippet: str) -> None:
    """A rule that finds nothing in a bad snippet keeps nothing tidy."""
    assert rule(snippet)


GOOD: list[tuple[Rule, str]] = [
    (rules.clock_or_chance, "from datetime import datetime\nx = datetime.fromtimestamp(1)"),
    (rules.clock_or_chance, "def f(now_ms, chance):\n    return chance.bytes(now_ms)"),
    (rules.environment, "import os\nx = os.open('a', os.O_RDONLY)"),
    (rules.swallowed, "try:\n    f()\nexcept ValueError:\n    pass"),
    (rules.swallowed, "try:\n    f()\nexcept Exception:\n    log.exception('f')\n    raise"),
    (rules.long_functions, "def f():\n" + "    x = 1\n" * 79),
    (rules.long_module, "x = 1\n" * 400),
    (rules.undocumented, 'def test_x():\n    """It holds."""'),
    (rules.skipped, "import pytest\n@pytest.mark.parametrize('x', [1])\ndef test_x(x):\n    pass"),
    (rules.unfinished, "todo lists are fine, and so is XXXX0001"),
    (rules.machine_paths, "the work/ folder, /homework/x, https://example.test/work"),
    (rules.registry_addresses, "the register of matters; an index of names"),
]


@pytest.mark.parametrize(("rule", "snippet"), GOOD)
def test_no_rule_finds_what_it_is_not_for(rule: Rule, snippet: str) -> None:
    """A rule that finds everything is switched off by the next hand."""
    assert [] == rule(snippet)
