"""Reading a JSON list of objects with the line each object starts on, and checking their shape.

Knows JSON and shapes, not what the fields mean. Numbers with a fraction, `null` and repeated keys
are refused, because an entry must have exactly one canonical form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from stations.csv_file import decode
from stations.errors import Findings

# A shape is one of: "text" (not empty), "text?" (may be empty), "int", "bool"; a tuple of allowed
# values; a list with one shape for its members; an object of shapes, where a key ending in "?" may
# be absent.
Shape = str | tuple[str, ...] | list[Any] | dict[str, Any]
JSON_BLANKS = re.compile(r"[ \t\r\n]*")
SIMPLE = {"text": str, "text?": str, "int": int, "bool": bool}
SIMPLE_WORDS = {"text": "不能为空的文字", "text?": "文字", "int": "整数", "bool": "true 或 false"}


class _RepeatedKeyError(ValueError):
    """An object names one key twice."""


def read_objects(data: bytes, findings: Findings) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects of a JSON list, each with the line it starts on.

    Raises: ImportRefused (bad_encoding, bad_json), since nothing after a syntax error can be read.
    """
    text = decode(data, findings)
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    found = []
    at = _after_blanks(text, 0)
    if text[at : at + 1] != "[":
        findings.refuse("bad_json", _line(text, at), "文件应以 [ 开头,是一个由 { } 组成的列表。")
    at = _after_blanks(text, at + 1)
    while text[at : at + 1] != "]":
        line = _line(text, at)
        try:
            value, end = decoder.raw_decode(text, at)
        except _RepeatedKeyError as error:
            findings.refuse("repeated_key", line, f"第 {line} 行起的一项里,“{error}”写了两次。")
        except (ValueError, RecursionError) as error:  # also numbers and nesting without end
            where = error.lineno if isinstance(error, json.JSONDecodeError) else line
            findings.refuse(
                "bad_json", where, f"第 {where} 行不是正确的 JSON,请检查引号、逗号和括号。"
            )
        if isinstance(value, dict):
            found.append((line, value))
        else:
            findings.add("bad_json", line, f"第 {line} 行:列表里只能放 {{ }} 组成的项。")
        at = _after_blanks(text, end)
        if text[at : at + 1] == ",":
            at = _after_blanks(text, at + 1)
        elif text[at : at + 1] != "]":
            where = _line(text, at)
            findings.refuse("bad_json", where, f"第 {where} 行:两项之间缺逗号,或末尾缺 ]。")
    rest = _after_blanks(text, at + 1)
    if rest < len(text):
        where = _line(text, rest)
        findings.refuse("bad_json", where, f"第 {where} 行:列表结束后还有多余的内容,请删去。")
    return found


def shape_problems(value: Any, shape: Shape, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, what is expected there) for everything in a value that differs from a shape."""
    if isinstance(shape, str):
        empty = isinstance(value, str) and not value.strip()
        if type(value) is not SIMPLE[shape] or (shape == "text" and empty):
            yield path, f"应为{SIMPLE_WORDS[shape]}"
    elif isinstance(shape, tuple):
        if value not in shape:
            yield path, "应为 " + "、".join(shape) + " 之一"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield path, "应为列表 [ ]"
            return
        for at, member in enumerate(value, start=1):
            yield from shape_problems(member, shape[0], f"{path}[{at}]")
    elif not isinstance(value, dict):
        yield path, "应为 { } 组成的项"
    else:
        yield from _object_problems(value, shape, path)


def _object_problems(
    value: dict[str, Any], shape: dict[str, Any], path: str
) -> Iterator[tuple[str, str]]:
    known = {key.removesuffix("?") for key in shape}
    for key in value:
        if key not in known:
            yield _joined(path, key), "是未知的字段,请检查拼写或删去"
    for key, inner in shape.items():
        name = key.removesuffix("?")
        if name in value:
            yield from shape_problems(value[name], inner, _joined(path, name))
        elif not key.endswith("?"):
            yield _joined(path, name), "缺失,请补上"


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _RepeatedKeyError(key)
        made[key] = value
    return made


def _after_blanks(text: str, at: int) -> int:
    match = JSON_BLANKS.match(text, at)
    return match.end() if match else at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
