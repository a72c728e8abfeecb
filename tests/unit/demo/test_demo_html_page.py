"""The demonstration's eyes and hands: what it reads on a page and what a form of it would send."""

from __future__ import annotations

import pytest

from demo.html_page import Page
from demo.problems import CheckFailedError

HTML = """<!doctype html><html><head><title>标题</title><style>b{}</style></head><body>
<p>已传到<b>斗南街道</b>,
   等它转报</p><script>var hidden = 1;</script>
<form method="post" action="/intake/X1">
<input type="hidden" name="form_key" value="abc">
<label>姓名<input name="name" required></label>
<select name="id_type"><option value="sfz" selected>居民身份证</option>
<option value="hz">护照</option></select>
<label><input type="radio" name="material_M1" value="已收" checked>已收</label>
<label><input type="radio" name="material_M1" value="缺">缺</label>
<label><input type="checkbox" name="kept" value="1">留存</label>
<label><input type="checkbox" name="kept" value="2" checked>退还</label>
<textarea name="note">前言</textarea>
<input name="old" value="x" disabled>
<button type="submit" name="go" value="1">保存</button>
</form>
<input name="outside" value="o" form="other"><form id="other" action="/other"></form>
<svg data-qr="CG0111-1"></svg><a href="/cases">我的办件</a>
</body></html>"""


def test_words_are_read_through_markup_and_blanks() -> None:
    """A sentence is found whatever tags and line ends stand inside it."""
    page = Page(HTML)
    assert page.says("已传到斗南街道,等它转报")
    assert not page.says("hidden")
    assert not page.says("标题")


def test_a_form_sends_what_a_browser_would_send() -> None:
    """Hidden fields, what is ticked and what is chosen; never disabled fields or idle buttons."""
    form = Page(HTML).form("/intake/X1")
    assert form is not None
    form.fill({"name": "张三", "material_M1": "缺", "kept": "1", "id_type": "hz"})
    assert form.pairs() == [
        ("form_key", "abc"),
        ("name", "张三"),
        ("id_type", "hz"),
        ("material_M1", "缺"),
        ("kept", "1"),
        ("kept", "2"),
        ("note", "前言"),
    ]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"nickname": "x"}, "没有“nickname”"),
        ({"material_M1": "丢了"}, "不能选“丢了”"),
        ({"id_type": "??"}, "不能选"),
        ({"form_key": "mine"}, "没有“form_key”"),
    ],
)
def test_nobody_fills_in_what_the_page_does_not_offer(values: dict[str, str], why: str) -> None:
    """A field or choice a person cannot see cannot be used by the story."""
    form = Page(HTML).form("/intake/X1")
    assert form is not None
    with pytest.raises(CheckFailedError, match=why):
        form.fill(values)


def test_a_required_field_left_empty_is_not_sent() -> None:
    """A browser would not send the form either."""
    form = Page(HTML).form("/intake/X1")
    assert form is not None
    with pytest.raises(CheckFailedError, match="name"):
        form.pairs()


def test_controls_outside_their_form_belong_to_it() -> None:
    """The `form` attribute is followed."""
    form = Page(HTML).form("/other")
    assert form is not None
    assert form.pairs() == [("outside", "o")]


def test_marks_and_links_are_kept() -> None:
    """Data attributes and links are there for the story to follow."""
    page = Page(HTML)
    assert page.mark("data-qr") == ["CG0111-1"]
    assert "/cases" in page.links
