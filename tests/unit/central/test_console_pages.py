"""The console: who is let in, what is shown, what its JSON says, and what is never in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from central import catalogue, enrolling
from central.app import make_console
from central.cli import now_ms
from node import enrolment
from node.accounts import issue_code
from node.program import Node
from sync.engine import asks, authority, trust
from sync.engine.core import Effects
from sync.protocol import canonical, statements
from sync.protocol.lives import Ask, code_of
from sync.protocol.statements import Statement
from sync.signing import Ed25519Signer

CENTRAL = "KM0000"
PASSWORD = "demo-password-1"
SUPERVISOR, KEEPER, ADMIN = "KM0000-01", "KM0000-02", "KM0000-03"
Client = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A central with the shipped catalogue."""
    folder = tmp_path_factory.mktemp("console")
    enrolling.found(folder, CENTRAL, now_ms())
    node = Node(folder, clock_ms=now_ms, release="test-1")
    with node.database.write() as transaction:
        catalogue.stage(transaction, catalogue.read(None, now_ms()))
    from central import authority_key

    catalogue.publish(node, authority_key.load(folder))
    yield node
    node.close()


@pytest.fixture(scope="module")
def signed_in(node: Node) -> Client:
    """Return a browser signed in as a member of staff; empty number: nobody."""
    app = make_console(node, node.folder, hosts={"testserver"})
    made: dict[str, TestClient] = {}

    def client(staff_no: str) -> TestClient:
        if staff_no not in made:
            browser = made[staff_no] = TestClient(app, follow_redirects=False)
            if staff_no:
                with node.database.write() as transaction:
                    code = issue_code(transaction, staff_no, now_ms())
                fields = {"staff_no": staff_no, "code": code}
                fields |= {"password": PASSWORD, "password2": PASSWORD}
                assert 303 == browser.post("/first-login", data=fields).status_code
        return made[staff_no]

    return client


PAGES = ("/", "/stations/CG0101", "/registers", "/matters?q=证明", "/cases", "/find")


@pytest.mark.parametrize("path", PAGES)
def test_pages_need_a_login(signed_in: Client, path: str) -> None:
    """Nobody sees a page without signing in."""
    answer = signed_in("").get(path)
    assert 303 == answer.status_code
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_whole_for_a_supervisor(signed_in: Client, path: str) -> None:
    """Every page is rendered, in Chinese, with the common layout and its safety headers."""
    answer = signed_in(SUPERVISOR).get(path)
    assert 200 == answer.status_code
    assert '<html lang="zh-CN">' in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["tree", "registers", "figures", "cases/X", "streams/CG0111/1/1"])
def test_json_needs_a_login_too(signed_in: Client, path: str) -> None:
    """The JSON answers 401 with its code, without any content."""
    answer = signed_in("").get(f"/api/v1/{path}")
    assert (401, "not_signed_in") == (answer.status_code, answer.json()["code"])


def test_tree_shows_every_station(signed_in: Client) -> None:
    """All stations of the register stand in the page and in its JSON, none of them heard of."""
    text = signed_in(SUPERVISOR).get("/").text
    rows = signed_in(SUPERVISOR).get("/api/v1/tree").json()["stations"]
    assert 7 == len(rows)
    assert all(f"/stations/{row['code']}" in text for row in rows)
    assert ["never"] * 6 == [row["contact_by"] for row in rows if row["code"] != CENTRAL]


def test_registers_show_every_shelf(signed_in: Client) -> None:
    """Shelf, edition, entries and bytes are the same in page and JSON."""
    text = signed_in(KEEPER).get("/registers").text
    found = signed_in(KEEPER).get("/api/v1/registers").json()["shelves"]
    assert 19 == len(found)
    assert all(str(one["edition"]) in text and one["shelf"] in text for one in found)


def test_matters_are_found_by_alias(signed_in: Client) -> None:
    """A clerk's word finds the matter, and its demonstration mark is shown."""
    text = signed_in(KEEPER).get("/matters", params={"q": "准生证"}).text
    assert "生育登记" in text
    assert "演示" in text


def test_one_case_is_for_supervisors_alone(signed_in: Client) -> None:
    """The catalogue's keeper sees figures; opening a case takes the supervisor's post."""
    assert 403 == signed_in(KEEPER).get("/find").status_code
    assert 403 == signed_in(KEEPER).get("/api/v1/cases/X").status_code
    assert 404 == signed_in(SUPERVISOR).get("/api/v1/cases/X").status_code


def test_sheet_is_given_to_admins_once(signed_in: Client) -> None:
    """Only an admin gets an enrolment sheet; two of them never open the same epoch."""
    where, fields = "/stations/CG0111/voucher", {"parent_url": "http://10.0.0.1:1"}
    assert 403 == signed_in(SUPERVISOR).post(where, data=fields).status_code
    answers = [signed_in(ADMIN).post(where, data={**fields, "download": "1"}) for _ in range(2)]
    assert [200, 200] == [answer.status_code for answer in answers]
    assert "attachment" in answers[0].headers["content-disposition"]
    assert "no-store" in answers[0].headers["cache-control"]
    sheets = [answer.json() for answer in answers]
    assert ["CG0111"] * 2 == [sheet["station"] for sheet in sheets]
    assert sheets[0]["voucher"] != sheets[1]["voucher"]
    shown = signed_in(ADMIN).get("/stations/CG0111").text
    assert "还没有用" in shown
    assert sheets[0]["one_use_key"] not in shown


def test_sheet_for_an_unknown_station_is_refused(signed_in: Client) -> None:
    """No sheet for what the register does not know, or without the parent's address."""
    fields = {"parent_url": "http://10.0.0.1:1"}
    assert 409 == signed_in(ADMIN).post("/stations/CG0999/voucher", data=fields).status_code
    assert 400 == signed_in(ADMIN).post("/stations/CG0111/voucher", data={}).status_code


def test_sheet_from_the_console_enrols(signed_in: Client, tmp_path: Path) -> None:
    """What is downloaded is a sheet a station can be enrolled with."""
    fields = {"parent_url": "http://10.0.0.1:1", "download": "1"}
    path = tmp_path / "sheet.json"
    path.write_bytes(signed_in(ADMIN).post("/stations/CG0112/voucher", data=fields).content)
    node = enrolment.enrol(tmp_path / "node", enrolment.read_sheet(path), now_ms())
    assert ("CG0112", "CG0101") == (node.station, node.parent)


def test_metrics_name_no_station_and_no_person(signed_in: Client) -> None:
    """Aggregates only, readable without a login."""
    text = signed_in("").get("/metrics").text
    assert 'yizhan_central_stations{tier="village"} 3.0' in text
    assert not re.search(r"CG\d{4}|KM0000|演示", text)


def test_health_is_told_without_a_login(signed_in: Client) -> None:
    """Both probes answer."""
    assert "ok" == signed_in("").get("/healthz").json()["status"]
    assert "ready" == signed_in("").get("/readyz").json()["status"]


def test_foreign_host_and_origin_are_refused(signed_in: Client) -> None:
    """Another name or another site's form gets nothing."""
    client = signed_in("")
    assert 421 == client.get("/", headers={"host": "evil.example"}).status_code
    refused = client.post("/login", data={}, headers={"origin": "http://evil.example"})
    assert 403 == refused.status_code


def test_a_machine_is_approved_by_admins_with_its_code(node: Node, signed_in: Client) -> None:
    """The ask is on the station's page with its check code; a wrong code gives nothing."""
    epoch = now_ms()
    sheet = enrolling.sheet_for(node, node.folder, "CG0112", parent_url="http://10.0.0.1:1")
    signer = Ed25519Signer(b"k" * 32)
    certificate = authority.make_certificate(
        sheet.voucher, Ed25519Signer(sheet.one_use_key), signer.public_key(), bytes(32)
    )
    key = Ed25519Signer(b"o" * 32).public_key()
    with node.database.write() as transaction:
        log = trust.take_certificate(node.core, transaction, certificate, first_hand_ms=epoch)
        ask = Ask(1, "CG0112", log.epoch, node.core.incarnation, key, "rewind", 3, epoch)
        unsigned = Statement(statements.ASK, canonical.dumps(ask), b"", f"CG0112/{log.epoch}")
        said = replace(unsigned, signature=signer.sign(unsigned.message()))
        asks.take(node.core, transaction, said, Effects())
    code = code_of(key)
    page = signed_in(ADMIN).get("/stations/CG0112").text
    assert code in page
    assert "等待批准的机器" in page
    path = "/stations/CG0112/approve"
    assert 403 == signed_in(SUPERVISOR).post(path, data={"code": code}).status_code
    assert 409 == signed_in(ADMIN).post(path, data={"code": "0000-0000"}).status_code
    assert 303 == signed_in(ADMIN).post(path, data={"code": code.lower()}).status_code
    assert code not in signed_in(ADMIN).get("/stations/CG0112").text
    with node.database.read() as transaction:
        assert [True] == [one.granted for one in asks.asks(transaction, "CG0112")]


def test_metrics_tell_how_full_the_blob_store_is(signed_in: Client) -> None:
    """Count, bytes, what was set aside and what waits; packs of the catalogue are counted."""
    said = signed_in("").get("/metrics").text
    found = dict(re.findall(r"^(yizhan_central_(?:blob|file)\w+) (\S+)$", said, re.MULTILINE))
    assert float(found["yizhan_central_blobs"]) > 0
    assert float(found["yizhan_central_blob_bytes"]) > 1000
    waiting = {"yizhan_central_blobs_set_aside", "yizhan_central_files_waiting"}
    assert {"0.0"} == {found[name] for name in (*waiting, "yizhan_central_file_bytes_waiting")}
