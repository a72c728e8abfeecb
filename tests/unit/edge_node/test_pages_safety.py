"""What holds for every page: hosts, origins, reading changes nothing, nothing personal in logs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from starlette.testclient import TestClient
from structlog.testing import CapturingLoggerFactory

from edge_node.app import create_link, create_pages
from node import logs
from sync.transport.http_client import ROUND_PATH
from tests.integration.tree_world import VILLAGE, Tree
from tests.unit.edge_node.pages_world import (
    ALLOWANCE,
    ID_NO,
    NAME,
    ORIGIN,
    PASSWORD,
    Person,
    intake_fields,
)

KEPT_APART = ("sessions",)
PAGES = (
    "/", "/matters", "/matters?q=gljt", f"/matters/{ALLOWANCE}", f"/matters/{ALLOWANCE}/notice",
    f"/intake/{ALLOWANCE}", "/cases", "/cases?tab=已办结", "/pending", "/review", "/issue", "/sync",
    "/badge", "/admin", "/metrics", "/healthz", "/readyz", "/login", "/first-login",
    "/api/v1/cases", "/api/v1/sync", "/api/v1/matters?q=gljt", "/api/openapi.json",
)  # fmt: skip


def content(tree: Tree) -> dict[str, list[str]]:
    """Every row of every ordinary table of the village's node but its sessions."""
    with tree.nodes[VILLAGE].database.read() as transaction:
        run = transaction.connection.execute
        names = [row[0] for row in run("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        plain = [n for n in names if n not in KEPT_APART and not n.startswith("matter_search")]
        return {name: sorted(map(repr, run(f"SELECT * FROM {name}"))) for name in plain}


def test_reading_changes_nothing(tree: Tree, clerk: Person) -> None:
    """No GET of any page writes a row."""
    number = clerk.take_in()
    paths = (*PAGES, f"/cases/{number}", f"/cases/{number}/slip", f"/cases/{number}/done")
    before = content(tree)
    for path in paths:
        assert clerk.get(path).status_code == 200, path
    assert content(tree) == before


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1:8080", ""])
def test_a_foreign_host_is_refused(tree: Tree, host: str) -> None:
    """A page addressed by another name is not answered (DNS rebinding)."""
    client = TestClient(create_pages(tree.nodes[VILLAGE]), base_url=ORIGIN)
    assert client.get("/login", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "https://127.0.0.1:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_write_from_elsewhere_is_refused(
    tree: Tree, clerk: Person, headers: dict[str, str]
) -> None:
    """Another origin cannot make a signed-in browser save anything."""
    before = content(tree)
    answer = clerk.post(f"/intake/{ALLOWANCE}", intake_fields(), **headers)
    assert answer.status_code == 403
    assert content(tree) == before


def test_our_own_origin_may_write(clerk: Person) -> None:
    """The headers a browser sends with our own form pass."""
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    assert clerk.post(f"/intake/{ALLOWANCE}", intake_fields(), **headers).status_code == 303


def test_a_huge_form_is_refused(tree: Tree, clerk: Person) -> None:
    """A body beyond the cap is refused unread."""
    before = content(tree)
    answer = clerk.post(f"/intake/{ALLOWANCE}", {"note": "x" * 300_000})
    assert answer.status_code == 413
    pieces = (b"note=" + b"x" * 100_000 for _ in range(3))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    streamed = clerk.client.post(f"/intake/{ALLOWANCE}", content=pieces, headers=form)
    assert streamed.status_code == 413
    assert content(tree) == before


def test_every_answer_carries_the_safety_headers(clerk: Person) -> None:
    """CSP without inline, nosniff, no-store; the docs pages of the framework are off."""
    for path in (*PAGES, "/nothing-here"):
        headers = clerk.get(path).headers
        assert "unsafe" not in headers["content-security-policy"]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    for path in ("/docs", "/redoc"):
        assert clerk.get(path).status_code == 404


def test_the_childrens_entrance_shows_no_pages(tree: Tree) -> None:
    """On the sync address there is the round and nothing else."""
    client = TestClient(create_link(tree.nodes[VILLAGE]))
    for path in ("/", "/login", "/metrics", "/healthz", "/api/v1/cases"):
        assert client.get(path).status_code == 404
    assert client.post(ROUND_PATH, content=b"junk").json()["code"]


@pytest.fixture
def logged() -> Iterator[CapturingLoggerFactory]:
    """Takes the log lines written from here on, as they would go to stderr."""
    factory = CapturingLoggerFactory()
    before = structlog.get_config()
    logs.configure()
    structlog.configure(logger_factory=factory, cache_logger_on_first_use=False)
    yield factory
    structlog.configure(**before)


def test_nothing_personal_is_logged(
    tree: Tree, capfd: pytest.CaptureFixture[str], logged: CapturingLoggerFactory
) -> None:
    """Neither names nor numbers nor passwords get into a log, whatever goes wrong."""
    person = Person(tree, VILLAGE).sign_in(f"{VILLAGE}-01")
    number = person.take_in()
    person.get("/find?q=nothing")
    person.client.post("/login", data={"staff_no": f"{VILLAGE}-01", "password": "wrong-" + ID_NO})
    person.post(f"/intake/{ALLOWANCE}", {**intake_fields(), "id_no": "1"})
    person.act(number, "decided", result=NAME, password=PASSWORD)
    site_fault(tree, person)
    captured = capfd.readouterr()
    lines = [str(call) for call in logged.logger.calls]
    assert any("fault" in line and "KeyError" in line for line in lines)
    assert any("login_refused" in line for line in lines)
    text = captured.err + captured.out + "".join(lines)
    for secret in (NAME, ID_NO, PASSWORD):
        assert secret not in text


def site_fault(tree: Tree, person: Person) -> None:
    """Let a page fail with an error that quotes a name."""

    def broken(*args: object, **kwargs: object) -> None:
        raise KeyError(NAME)

    desk = tree.nodes[VILLAGE].desk
    kept = desk.registry
    app = create_pages(tree.nodes[VILLAGE])
    client = TestClient(app, base_url=ORIGIN, raise_server_exceptions=False)
    client.cookies = person.client.cookies
    desk.registry = broken  # type: ignore[method-assign, assignment]
    try:
        answer = client.get("/cases")
    finally:
        desk.registry = kept  # type: ignore[method-assign]
    assert answer.status_code == 500
    assert NAME not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_framework_records_no_requests(tree: Tree) -> None:
    """FastAPI's own recording of requests and exceptions is off, whatever the environment says."""
    app = create_pages(tree.nodes[VILLAGE])
    for record in ("tracing", "metrics", "logs", "operation_spans", "auto_configure"):
        assert app._telemetry[record] is False
