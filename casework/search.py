"""How text becomes search tokens, and how a typed query becomes a full-text expression.

Chinese has no blanks between words, and SQLite's trigram tokenizer finds nothing for words of two
characters. So every run of Chinese characters is stored as overlapping pairs plus its last
character, which makes each stretch of two or more characters a phrase of pairs and a single
character the prefix of a pair. This module is pure: it knows neither tables nor ranking (see
`matter_index`).

    stored  低保户A证  ->  低保 保户 户 a 证
    query   保户       ->  "保户"
    query   户         ->  "户" *
    query   户A        ->  "户 a" *
"""

from __future__ import annotations

import re
import unicodedata

# 々〆〇 are written inside Chinese words; the ranges after them are Extension A, the common block,
# the compatibility ideographs, and planes 2 and 3 with the rare characters of names.
HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
RUN = re.compile(f"[{HAN}]+|[^\\W_{HAN}]+")
WORD = re.compile(f"(?:[{HAN}]|[^\\W_])+")
HAN_CHARACTER = re.compile(f"[{HAN}]")
INITIALS = re.compile(r"[a-z0-9]{2,}")
CODE_FRAGMENT = re.compile(r"(?=.*[0-9-])[a-z0-9-]{4,64}")
INITIALS_TOKEN_CHARACTERS = 8
QUERY_CHARACTERS_MAX = 64


def fold(text: str) -> str:
    """Return text in the one form that is compared: NFKC (full width to half width), lower case."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def exact_form(text: str) -> str:
    """Return folded text without blanks and marks, for asking whether two names are the same."""
    return "".join(RUN.findall(fold(text)))


def index_text(text: str) -> str:
    """Return the tokens to store for a text, in order, separated by blanks."""
    tokens: list[str] = []
    for run in RUN.findall(fold(text)):
        tokens.extend(_stored_tokens(run))
    return " ".join(tokens)


def match_expression(query: str) -> str:
    """Return the FTS5 expression for a typed query; empty where nothing in it can be searched.

    Words (separated by blanks or marks) must all occur, in any order; inside a word the characters
    must follow each other. The last part of a word may be unfinished.
    Bounds: what lies beyond `QUERY_CHARACTERS_MAX` is ignored.
    """
    phrases = []
    for word in _words(query):
        runs = RUN.findall(word)
        tokens: list[str] = []
        for run in runs[:-1]:
            tokens.extend(_stored_tokens(run))
        tokens.extend(_pairs(runs[-1]))
        phrases.append(_phrase(tokens, unfinished=_may_continue(runs[-1])))
    return " AND ".join(phrases)


def initials_tokens(initials: list[str]) -> str:
    """Return the tokens to store for pinyin initials: every suffix, cut to eight characters.

    A prefix search over suffixes finds a fragment anywhere in the name without a scan.
    """
    tokens: dict[str, None] = {}
    for reading in initials:
        letters = "".join(re.findall(r"[a-z0-9]", reading.lower()))
        for start in range(len(letters)):
            tokens[letters[start : start + INITIALS_TOKEN_CHARACTERS]] = None
    return " ".join(tokens)


def initials_expression(query: str) -> str:
    """Return the FTS5 expression for a query typed as pinyin initials; empty if it is not one."""
    letters = fold(query)[:INITIALS_TOKEN_CHARACTERS]
    return f'"{letters}" *' if INITIALS.fullmatch(letters) else ""


def code_fragment(query: str) -> str:
    """Return the folded query if it can be part of a matter code; empty if it cannot."""
    folded = fold(query)
    return folded if CODE_FRAGMENT.fullmatch(folded) else ""


def _words(query: str) -> list[str]:
    """Return the stretches of a query between blanks and marks."""
    return WORD.findall(fold(query)[:QUERY_CHARACTERS_MAX])


def _stored_tokens(run: str) -> list[str]:
    """Return the tokens of a finished run; a Chinese run ends with its last character alone."""
    if HAN_CHARACTER.match(run):
        return [*(run[at : at + 2] for at in range(len(run) - 1)), run[-1]]
    return [run]


def _pairs(run: str) -> list[str]:
    """Return the tokens of a run that may go on: pairs only, or the run as it is."""
    if HAN_CHARACTER.match(run) and len(run) > 1:
        return [run[at : at + 2] for at in range(len(run) - 1)]
    return [run]


def _may_continue(run: str) -> bool:
    """Return whether the last token must be a prefix; a pair of characters is whole already."""
    return not HAN_CHARACTER.match(run) or len(run) == 1


def _phrase(tokens: list[str], *, unfinished: bool) -> str:
    """Return a quoted FTS5 phrase; quotes are doubled even though tokens cannot hold any."""
    text = " ".join(tokens).replace('"', '""')
    return f'"{text}" *' if unfinished else f'"{text}"'
