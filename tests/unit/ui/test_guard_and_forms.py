"""The guard, static files, forms and words, each alone."""

from __future__ import annotations

import gzip

import pytest
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui import words
from ui.forms import Form, FormKeyMissing, checked_key, new_form_key
from ui.login import safe_target
from ui.security import BodyTooLarge, Guard
from ui.static_files import StaticFiles

MINUTE = 60_000


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def client(body_max: int = 100) -> TestClient:
    inner = Starlette(
        routes=[Route("/", echo, methods=["GET", "POST"])],
        exception_handlers={BodyTooLarge: lambda *_: Response(status_code=413)},
    )
    app = Guard(inner, body_max=body_max)
    return TestClient(app, base_url="http://localhost:8080", raise_server_exceptions=False)


def test_a_body_without_length_is_capped_too() -> None:
    """A streamed body that grows beyond the cap is cut off, whatever its headers say."""
    pieces = (b"x" * 60 for _ in range(3))
    assert client().post("/", content=pieces).status_code == 413
    assert client().post("/", content=(b"x" * 40 for _ in range(2))).text == "80"


def test_a_refusal_is_plain_words_for_a_browser() -> None:
    """A person gets a sentence, a program gets {code, sentence}."""
    headers = {"Host": "evil.example", "Accept": "text/html"}
    assert "驿站" in client().get("/", headers=headers).text
    assert client().get("/", headers={"Host": "evil.example"}).json()["code"] == "wrong_host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:8080"])
def test_loopback_names_are_answered_on_any_port(host: str) -> None:
    """The name counts, not the port."""
    assert client().get("/", headers={"Host": host}).status_code == 200


def test_static_files_are_served_packed_and_by_exact_name() -> None:
    """gzip where accepted, kept for ever under their version, nothing outside the folder."""
    static = StaticFiles()
    browser = TestClient(Starlette(routes=[static.route()]))
    url = static.url("yizhan.css")
    answer = browser.get(url)
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    plain = browser.get(url, headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    assert len(gzip.compress(plain.content)) < len(plain.content)
    assert browser.get("/static/yizhan.css?v=old").headers["cache-control"] == "no-cache"
    for name in ("../assets.py", "%2e%2e/assets.py", "none.css"):
        assert browser.get(f"/static/{name}").status_code == 404


def test_form_keys_are_long_and_checked() -> None:
    """A key comes from chance; what cannot be one is refused."""
    key = new_form_key(lambda count: bytes(range(count)))
    assert checked_key(key) == key
    for wrong in (None, "", "short", "x" * 65, "with space 1", "键键键键键键键键"):
        with pytest.raises(FormKeyMissing):
            checked_key(wrong)


def test_a_form_gives_texts_lists_and_prefixes() -> None:
    """Repeated and prefixed fields keep their order; passwords keep their blanks."""
    form = Form(
        FormData([("a", " x "), ("b", "1"), ("b", "2"), ("m_M1", "已收"), ("password", " p ")])
    )
    assert form.text("a") == "x"
    assert form.texts("b") == ["1", "2"]
    assert form.prefixed("m_") == {"M1": "已收"}
    assert form.secret("password") == " p "
    with pytest.raises(FormKeyMissing):
        _ = form.key


@pytest.mark.parametrize(
    ("target", "led"),
    [("/cases?tab=1", "/cases?tab=1"), ("//x", "/"), ("http://x", "/"), ("", "/"), ("/a\\b", "/")],
)
def test_only_own_pages_are_led_to(target: str, led: str) -> None:
    """No open redirect."""
    assert safe_target(target) == led


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (-5, "不到1分钟"),
        (59_999, "不到1分钟"),
        (MINUTE, "1分钟"),
        (3 * 60 * MINUTE, "3小时"),
        (49 * 60 * MINUTE, "2天"),
    ],
)
def test_ages_have_one_unit(passed: int, told: str) -> None:
    """Never negative, never two units."""
    assert words.age(10 * 60 * MINUTE, 10 * 60 * MINUTE + passed) == told


def test_times_are_chinas_and_old_ones_show_the_day() -> None:
    """10:42 today, the day beside it for older, 还没有 for never."""
    now = 1_795_482_000_000  # 2026-11-24 09:00 in China
    assert words.clock(now, now) == "09:00"
    assert words.clock(now - 86_400_000, now) == "11月23日 09:00"
    assert words.clock(0, now) == "还没有"
    assert words.day("2026-11-24") == "2026年11月24日"
