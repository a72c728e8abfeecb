"""What taking in is called where: only 直办 and 受理 accept, 代收 receives, 代办 is entrusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ModeWords:
    """The heading of the intake page, its main button, and what is done afterwards."""

    verb: str
    button: str
    done: str


_ACCEPTS: Final = ModeWords("受理", "受理并打印", "已收件")
_RECEIVES: Final = ModeWords("收件", "收件并打印", "已收件")
_ENTRUSTED: Final = ModeWords("登记委托", "登记委托", "已登记委托")
_BY_MODE: Final = {"直办": _ACCEPTS, "受理": _ACCEPTS, "代收": _RECEIVES, "代办": _ENTRUSTED}


def mode_words(mode: str) -> ModeWords:
    """The words of a mode; 收件 for one this program does not know."""
    return _BY_MODE.get(mode, _RECEIVES)
