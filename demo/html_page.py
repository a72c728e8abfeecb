"""Reads a page as a person sees it: its words, its forms, the marks scripts would read."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from demo.problems import CheckFailedError

_UNSEEN = frozenset({"script", "style", "template", "title"})
_TYPED = frozenset({"text", "search", "tel", "number", "date", "password", "email", "hidden"})
Attributes = dict[str, str]


@dataclass
class Field:
    """One control of a form; `choices` are the values that can be picked, empty for free text."""

    name: str
    kind: str
    value: str = ""
    required: bool = False
    picked: bool = True
    choices: list[str] = field(default_factory=list)


@dataclass
class Form:
    """A form of a page, filled in by name the way a person fills it in."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)

    def names(self) -> list[str]:
        """The names a person can fill in."""
        return [f.name for f in self.fields if f.kind != "hidden"]

    def fill(self, values: dict[str, str]) -> None:
        """Write or pick values. Raises: CheckFailedError (no such field, or no such choice)."""
        for name, value in values.items():
            fields = [f for f in self.fields if f.name == name and f.kind != "hidden"]
            if not fields:
                raise CheckFailedError(f"表单 {self.action} 上没有“{name}”这一项:{self.names()}")
            if fields[0].kind not in ("radio", "checkbox"):
                del fields[1:]  # repeated lines of a table: the first line is written on
            chosen = [_choose(f, value) for f in fields]  # every one: a radio is let go, too
            if not any(chosen):
                offered = [choice for f in fields for choice in f.choices]
                raise CheckFailedError(f"“{name}”不能选“{value}”,只有:{'、'.join(offered)}")

    def pairs(self) -> list[tuple[str, str]]:
        """What a browser would send. Raises: CheckFailedError (a required field is empty)."""
        sent = [(f.name, f.value) for f in self.fields if f.name and f.picked]
        filled = {name for name, value in sent if value}
        for wanted in self.fields:
            if wanted.required and wanted.name not in filled:
                raise CheckFailedError(f"表单 {self.action} 的“{wanted.name}”必须填写。")
        return sent


def _choose(target: Field, value: str) -> bool:
    if target.kind in ("radio", "checkbox"):
        same = target.value == value
        target.picked = same or (target.kind == "checkbox" and target.picked)
        return same
    if target.choices and value not in target.choices:
        return False
    target.value, target.picked = value, True
    return True


class Page(HTMLParser):
    """The parsed page: `words` without blanks, `forms`, and `marks` (data-* attributes)."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.marks: list[tuple[str, str]] = []
        self.links: list[str] = []
        self._alert: tuple[str, int] | None = None
        self._alert_words: list[str] = []
        self._words: list[str] = []
        self._unseen = 0
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._loose: list[tuple[str, Field]] = []
        self._select: Field | None = None
        self._area: Field | None = None
        self._option: tuple[Attributes, list[str]] | None = None
        self.feed(html)
        self.close()
        for owner, loose in self._loose:
            if owner in self._by_id:
                self._by_id[owner].fields.append(loose)

    @property
    def words(self) -> str:
        """Everything a person can read, with all blanks taken out."""
        return "".join("".join(self._words).split())

    def says(self, sentence: str) -> bool:
        """True if the sentence can be read on the page, whatever the markup inside it."""
        return "".join(sentence.split()) in self.words

    @property
    def alert(self) -> str:
        """What the page says in an alert; empty if nothing."""
        return "".join("".join(self._alert_words).split())

    def form(self, action: str) -> Form | None:
        """The form whose address ends so."""
        fits = (f for f in self.forms if f.action.partition("?")[0].endswith(action))
        return next(fits, None)

    def mark(self, name: str) -> list[str]:
        """The values of a data attribute, in the order of the page."""
        return [value for key, value in self.marks if key == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Book what the tag opens."""
        given = {name: value or "" for name, value in attrs}
        self.marks += [(n, v) for n, v in given.items() if n.startswith("data-")]
        if self._alert is not None and tag == self._alert[0]:
            self._alert = (tag, self._alert[1] + 1)
        elif given.get("role") == "alert" and self._alert is None:
            self._alert = (tag, 1)
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
            self._by_id[given.get("id", "")] = self._form
        elif tag in ("input", "select", "textarea"):
            self._control(tag, given)
        elif tag == "option" and self._select is not None:
            self._end_option()
            self._option = (given, [])

    def handle_endtag(self, tag: str) -> None:
        """Close what was open."""
        if self._alert is not None and tag == self._alert[0]:
            self._alert = (tag, self._alert[1] - 1) if self._alert[1] > 1 else None
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag == "form":
            self._form = None
        elif tag in ("option", "select"):
            self._end_option()
            if tag == "select":
                self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        if self._area is not None:
            self._area.value += data
        elif self._option is not None:
            self._option[1].append(data)
        if not self._unseen:
            self._words.append(data)
            if self._alert is not None:
                self._alert_words.append(data)

    def _control(self, tag: str, given: Attributes) -> None:
        if "disabled" in given:
            return
        kind = given.get("type", "text").lower() if tag == "input" else tag
        if kind in ("submit", "button", "image", "reset", "file"):
            return  # nobody in the story chooses a file
        made = Field(given.get("name", ""), kind, given.get("value", ""), "required" in given)
        if kind in ("radio", "checkbox"):
            made.value = given.get("value", "on")
            made.choices, made.picked = [made.value], "checked" in given
        elif tag == "select":
            self._select = made
        elif tag == "textarea":
            self._area = made
        elif kind not in _TYPED:
            raise CheckFailedError(f"页面用了不认识的输入框:{kind}")
        if given.get("form"):
            self._loose.append((given["form"], made))
        elif self._form is not None:
            self._form.fields.append(made)

    def _end_option(self) -> None:
        if self._option is None or self._select is None:
            return
        given, words = self._option
        value = given.get("value", "".join(words).strip())
        if not self._select.choices or "selected" in given:
            self._select.value = value
        self._select.choices.append(value)
        self._option = None
