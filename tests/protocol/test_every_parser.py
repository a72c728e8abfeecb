"""Whatever comes in, every reader of wire and files gives a value or an error it declares.

The table is whole: a new reader in the places below without a target fails here.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given

from tests.protocol.fuzzing import check_only_tree_errors
from tests.protocol.parsers import WIRE
from tests.protocol.parsers_of_answers import ANSWERS
from tests.protocol.parsers_of_cases import CASES
from tests.protocol.parsers_of_files import FILES
from tests.protocol.wire_values import FUZZ

ROOT = Path(__file__).parents[2]
TARGETS = WIRE | FILES | ANSWERS | CASES
PLACES = ("sync/protocol", "sync/transport", "verifier", "stations", "central/imports")
NAMED_LIKE_A_READER = re.compile(
    r"^(decode|parse|read|load|loads|split|unpack|decompress|unseal|open|feed|names_in)(_|$)"
)
TAKES_RAW = {"bytes", "bytes | None", "str", "Parts"}
BEHIND_ANOTHER = {
    "sync.protocol.columns.split": "writes",
    "sync.transport.blob_client.BlobLink.send": "writes",
    "sync.transport.http_routes._Front.take": "open_request",
    "stations.errors.Findings.refuse": "writes",
    "stations.host.split_port": "read_station_table",
    "verifier.opening.file_key": "verify",
    "verifier.opening.frames": "verify",
    "verifier.opening.plain": "verify",
    "verifier.opening.parts": "verify",
    "central.imports.json_file.read_objects": "read_matters_json, read_calendar",
}
"""Readers reached only through one that has a target of its own."""


def readers(source: str, module: str) -> Iterator[str]:
    """Yield the public functions and methods that read raw input, by name or by what they raise."""

    def inside(body: list[ast.stmt], prefix: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not _is_port(node):
                yield from inside(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.FunctionDef) and _reads(node):
                yield f"{prefix}{node.name}"

    yield from inside(ast.parse(source).body, f"{module}.")


def _is_port(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def _reads(function: ast.FunctionDef) -> bool:
    given = [a for a in function.args.args if a.annotation is not None]
    raw = given and ast.unparse(given[0].annotation or ast.Constant("")) in TAKES_RAW
    if function.name.startswith("_") or not raw:
        return False
    if function.name.startswith("encode") or function.name in ("compress", "seal"):
        return False
    declares = "Raises:" in (ast.get_docstring(function) or "")
    return declares or NAMED_LIKE_A_READER.match(function.name) is not None


def found() -> list[str]:
    """Return every reader of the places."""
    return [
        name
        for place in PLACES
        for path in sorted((ROOT / place).glob("*.py"))
        for name in readers(
            path.read_text(encoding="utf-8"), ".".join(path.relative_to(ROOT).with_suffix("").parts)
        )
    ]


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_reader_answers_with_a_value_or_an_error_it_declares(name: str) -> None:
    """Three thousand inputs near good ones, and some far from them."""
    target = TARGETS[name]

    @FUZZ
    @given(target.inputs)
    def run(raws: list[bytes]) -> None:
        check_only_tree_errors(target.read, raws, target.declared)

    run()


def test_every_reader_has_a_target() -> None:
    """One that is added to these places is added to the table, or named as behind another."""
    assert [] == [name for name in found() if name not in TARGETS and name not in BEHIND_ANOTHER]


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_target_is_of_a_reader_that_exists(name: str) -> None:
    """A reader that was renamed takes its target along."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            place = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            place = getattr(place, part)
        assert callable(place)
        return
    raise AssertionError(name)


def test_a_reader_without_a_target_is_found() -> None:
    """By its name, by what it raises, also as a method; a writer is none."""
    source = '''
def decode_new(raw: bytes) -> int: ...
def weigh(raw: bytes) -> int:
    """Return it. Raises: Malformed."""
class Reader:
    def feed(self, data: bytes) -> None: ...
def encode_new(raw: bytes) -> bytes:
    """Return it. Raises: LimitExceeded."""
def add(raw: bytes) -> bytes: ...
'''
    assert ["m.decode_new", "m.weigh", "m.Reader.feed"] == list(readers(source, "m"))


def test_the_check_bites() -> None:
    """An error that is not declared is not taken for an answer."""
    with pytest.raises(IndexError):
        check_only_tree_errors(lambda raw: raw[0], [b""])
