"""Forms as posted: fields, repeated fields, prefixed fields, and the one-time key of each form.

The key makes a doubled or repeated post harmless: the node answers it with the first result.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request

FIELDS_MAX: Final = 600
KEY_FIELD: Final = "form_key"
KEY_HEADER: Final = "x-form-key"
KEY_BYTES: Final = 16
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{8,64}")


class FormKeyMissing(Exception):
    """A post without the one-time key of a page, so it may be a repetition: nothing was saved."""

    code = "form_key_missing"
    sentence = "这张表单不完整,没有保存。请返回上一页刷新后再试。"


def new_form_key(chance: Callable[[int], bytes]) -> str:
    """A fresh key for one form."""
    return chance(KEY_BYTES).hex()


def checked_key(given: str | None) -> str:
    """The key, if it has the shape of one. Raises: FormKeyMissing."""
    if given is None or not _KEY.fullmatch(given):
        raise FormKeyMissing
    return given


class Form:
    """One posted form; files are not taken."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str) -> str:
        """The trimmed text of a field; empty if absent."""
        value = self._data.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def secret(self, name: str) -> str:
        """The text of a field exactly as typed; for passwords."""
        value = self._data.get(name, "")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """The trimmed texts of a repeated field, in order."""
        return [value.strip() for value in self._data.getlist(name) if isinstance(value, str)]

    def prefixed(self, prefix: str) -> dict[str, str]:
        """The fields whose name begins with the prefix, under the rest of their name."""
        return {
            name[len(prefix) :]: value.strip()
            for name, value in self._data.items()
            if name.startswith(prefix) and isinstance(value, str)
        }

    def values(self) -> dict[str, str]:
        """The last text of every field, to show again what was typed."""
        return {name: value for name, value in self._data.items() if isinstance(value, str)}

    @property
    def key(self) -> str:
        """The form's one-time key. Raises: FormKeyMissing."""
        return checked_key(self.text(KEY_FIELD) or None)


async def read_form(request: Request) -> Form:
    """The posted form; a dependency of routes that take one."""
    return Form(await request.form(max_files=0, max_fields=FIELDS_MAX))
