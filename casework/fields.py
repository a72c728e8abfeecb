"""Reading what a person typed into an act, with refusals that name the field.

The opposite of `body`: there nothing may fail, here everything wrong is said at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from casework.errors import FieldInvalid, FieldMissing

Fields = Mapping[str, object]
TEXT_LENGTH_MAX: Final = 2_000
LIST_LENGTH_MAX: Final = 200


def optional(fields: Fields, key: str, label: str) -> str:
    """The trimmed text under the key; empty if absent. Raises: FieldInvalid."""
    value = fields.get(key, "")
    if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX:
        raise FieldInvalid(f"“{label}”填写的内容不对或太长,没有保存,请修改。", field=key)
    return value.strip()


def required(fields: Fields, key: str, label: str) -> str:
    """The trimmed text under the key. Raises: FieldMissing, FieldInvalid."""
    value = optional(fields, key, label)
    if not value:
        raise FieldMissing(f"“{label}”还没有填写,没有保存,请补上。", field=key)
    return value


def one_of(fields: Fields, key: str, label: str, choices: tuple[str, ...]) -> str:
    """The text under the key, one of the choices. Raises: FieldMissing, FieldInvalid."""
    value = required(fields, key, label)
    if value not in choices:
        names = "、".join(choices)
        raise FieldInvalid(f"“{label}”只能是:{names}。没有保存,请重选。", field=key)
    return value


def number(fields: Fields, key: str, label: str, *, least: int, most: int) -> int:
    """The whole number under the key, as number or digits. Raises: FieldMissing, FieldInvalid."""
    value = fields.get(key)
    if value is None or value == "":
        raise FieldMissing(f"“{label}”还没有填写,没有保存,请补上。", field=key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise FieldInvalid(f"“{label}”应是{least}到{most}之间的整数,没有保存。", field=key)
    return value


def day(fields: Fields, key: str, label: str, default: date) -> date:
    """The day under the key (ISO text or date), else the default. Raises: FieldInvalid."""
    value = fields.get(key, "")
    if isinstance(value, date):
        return value
    if value == "":
        return default
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _refuse(key, label)
    except ValueError:
        return _refuse(key, label)


def _refuse(key: str, label: str) -> date:
    raise FieldInvalid(f"“{label}”不是有效日期,没有保存,请修改。", field=key)


def past_day(fields: Fields, key: str, label: str, today: date) -> date:
    """The day under the key, today at the latest; default today. Raises: FieldInvalid."""
    stated = day(fields, key, label, today)
    if stated > today:
        raise FieldInvalid(f"“{label}”不能晚于今天,没有保存,请修改。", field=key)
    return stated


def text_map(fields: Fields, key: str, label: str) -> dict[str, str]:
    """The object under the key with its non-empty texts. Raises: FieldInvalid."""
    value = fields.get(key, {})
    if not isinstance(value, Mapping) or len(value) > LIST_LENGTH_MAX:
        raise FieldInvalid(f"“{label}”填写的内容不对,没有保存,请修改。", field=key)
    found = {str(name): optional(value, str(name), label) for name in value}
    return {name: text for name, text in found.items() if text}


def objects(fields: Fields, key: str, label: str) -> list[dict[str, Any]]:
    """The list of objects under the key. Raises: FieldInvalid."""
    value = fields.get(key, [])
    if not isinstance(value, (list, tuple)) or len(value) > LIST_LENGTH_MAX:
        raise FieldInvalid(f"“{label}”填写的内容不对,没有保存,请修改。", field=key)
    if not all(isinstance(item, Mapping) for item in value):
        raise FieldInvalid(f"“{label}”填写的内容不对,没有保存,请修改。", field=key)
    return [dict(item) for item in value]
