"""Pinyin initials of names, worked out once at central and shipped with the register.

pypinyin costs some 57 MB of memory, so it is imported at the first call and only here; stations
never need it. Words in its phrase dictionary give one reading (重庆: cq); characters outside any
known word keep the readings people confuse, each as a variant of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from casework.search import fold

VARIANTS_PER_NAME_MAX = 6
# Characters whose everyday readings begin differently (重 z/c, 参 c/s). The dictionary also lists
# readings nobody types (机 as wei); a variant for each of those would only swell the register.
READ_IN_TWO_WAYS = frozenset(
    "乐乘会似便传侧区单卡厦参叶合吓咽堡夹奇宿尾属巷弄弹强折拓提曾朝期术校查核殖殷泊澄率畜省"
    "着石种稽系粘红给臭色藏虹血行角解识调车还遗重长降雀露颈食"
)
LETTER = re.compile(r"[a-z0-9]")


def initials_of(name: str, aliases: Iterable[str] = ()) -> list[str]:
    """Return the initials of a name and of its aliases, all readings, without repetition.

    Order: the likeliest reading of the name first, then its other readings, then the aliases.
    """
    found: dict[str, None] = {}
    for text in (name, *aliases):
        found.update(dict.fromkeys(_readings(text)))
    return list(found)


def _readings(text: str) -> list[str]:
    """Return the initials of one text: the likeliest, then one changed reading at a time.

    Bounds: `VARIANTS_PER_NAME_MAX`; several doubtful characters are not multiplied out.
    """
    letters = _letters(text)
    first = "".join(choices[0] for choices in letters)
    variants = [first] if first else []
    for at, choices in enumerate(letters):
        head = "".join(other[0] for other in letters[:at])
        tail = "".join(other[0] for other in letters[at + 1 :])
        variants.extend(head + choice + tail for choice in choices[1:])
    return list(dict.fromkeys(variants))[:VARIANTS_PER_NAME_MAX]


def _letters(text: str) -> list[list[str]]:
    """Return the possible initials of each character that has any; digits and Latin stand as is."""
    from pypinyin import Style, pinyin

    characters = fold(text)
    readings = pinyin(
        characters, style=Style.FIRST_LETTER, heteronym=True, errors=cast("Any", list)
    )
    found = []
    for character, choices in zip(characters, readings, strict=True):
        kept = [letter for letter in dict.fromkeys(choices) if LETTER.fullmatch(letter)]
        if kept:
            found.append(kept if character in READ_IN_TWO_WAYS else kept[:1])
    return found
