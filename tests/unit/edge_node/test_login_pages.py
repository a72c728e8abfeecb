"""Signing in: codes, passwords, lock, sessions that end."""

from __future__ import annotations

import pytest

from node import accounts
from node.accounts import Accounts
from tests.integration.tree_world import VILLAGE, Tree, without_notices
from tests.unit.edge_node.pages_world import PASSWORD, Person, words
from ui.people import LoginRefused

CLERK = f"{VILLAGE}-01"
MINUTE_MS = 60_000


def code_for(tree: Tree, number: str) -> str:
    with tree.nodes[VILLAGE].database.write() as transaction:
        return accounts.issue_code(transaction, number, tree.now_ms)


def first_login(person: Person, number: str, code: str, password: str = PASSWORD) -> int:
    fields = {"staff_no": number, "code": code, "password": password, "password2": password}
    return int(person.client.post("/first-login", data=fields).status_code)


def test_pages_lead_to_the_login_page_without_a_session(tree: Tree) -> None:
    """Whoever is not signed in is sent to sign in; the API says so in JSON."""
    person = Person(tree, VILLAGE)
    answer = person.get("/cases?tab=x")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fcases%3Ftab%3Dx"
    refused = person.get("/api/v1/cases")
    assert refused.status_code == 401
    assert refused.json()["code"] == "not_signed_in"


def test_a_code_works_once(tree: Tree) -> None:
    """The second use of a one-time code is refused."""
    person, code = Person(tree, VILLAGE), code_for(tree, CLERK)
    assert len(code) == accounts.CODE_DIGITS
    assert first_login(person, CLERK, code) == 303
    assert first_login(Person(tree, VILLAGE), CLERK, code) == 403


def test_a_code_ends_after_a_day(tree: Tree) -> None:
    """A code older than 24 hours is refused."""
    code = code_for(tree, CLERK)
    tree.now_ms += accounts.CODE_MS + 1
    assert first_login(Person(tree, VILLAGE), CLERK, code) == 403


def test_the_code_is_kept_only_as_a_hash(tree: Tree) -> None:
    """Neither code nor password nor session token stands in the database in clear."""
    person, code = Person(tree, VILLAGE), code_for(tree, CLERK)
    first_login(person, CLERK, code)
    token = person.client.cookies[f"yizhan_{VILLAGE}"]
    with tree.nodes[VILLAGE].database.read() as transaction:
        run = transaction.connection.execute
        kept = str(run("SELECT * FROM accounts").fetchall())
        kept += str(run("SELECT * FROM sessions").fetchall())
    assert "argon2id" in kept
    assert not any(secret in kept for secret in (code, PASSWORD, token))


def test_a_short_password_is_refused(tree: Tree) -> None:
    """A password of seven characters is not taken, and the code stays good."""
    person, code = Person(tree, VILLAGE), code_for(tree, CLERK)
    assert first_login(person, CLERK, code, "1234567") == 403
    assert first_login(person, CLERK, code) == 303


def test_five_failures_lock_for_a_quarter_of_an_hour(tree: Tree, clerk: Person) -> None:
    """After five wrong passwords the right one is refused too, until fifteen minutes passed."""
    person = Person(tree, VILLAGE)
    for _ in range(accounts.FAILURES_MAX):
        wrong = person.client.post("/login", data={"staff_no": CLERK, "password": "wrong-one"})
        assert wrong.status_code == 403
    right = {"staff_no": CLERK, "password": PASSWORD}
    locked = person.client.post("/login", data=right)
    assert locked.status_code == 403
    assert "已锁定到" in words(locked)
    tree.now_ms += accounts.LOCK_MS + 1
    assert person.client.post("/login", data=right).status_code == 303


def test_an_unknown_number_reads_like_a_wrong_password(tree: Tree, clerk: Person) -> None:
    """The page does not tell who is on the staff."""
    person = Person(tree, VILLAGE)
    unknown = person.client.post("/login", data={"staff_no": "XX", "password": PASSWORD})
    wrong = person.client.post("/login", data={"staff_no": CLERK, "password": "wrong-one"})
    assert words(unknown).replace("XX", "") == words(wrong).replace(CLERK, "")


def test_an_idle_session_ends(tree: Tree, clerk: Person) -> None:
    """Fifteen minutes without a page end the session; the badge alone does not keep it."""
    tree.now_ms += 10 * MINUTE_MS
    assert clerk.get("/badge").status_code == 200
    tree.now_ms += 6 * MINUTE_MS
    assert clerk.get("/cases").status_code == 303
    assert clerk.get("/badge", **{"HX-Request": "true"}).status_code == 401


def test_work_keeps_a_session_but_not_beyond_twelve_hours(tree: Tree, clerk: Person) -> None:
    """A page every ten minutes keeps the session; after twelve hours it ends all the same."""
    for _ in range(71):
        tree.now_ms += 10 * MINUTE_MS
        assert clerk.get("/cases").status_code == 200
    tree.now_ms += 11 * MINUTE_MS
    assert clerk.get("/cases").status_code == 303


def test_logging_out_ends_the_session_on_the_node(tree: Tree, clerk: Person) -> None:
    """A token kept by somebody is worth nothing after 退出."""
    name = f"yizhan_{VILLAGE}"
    token = clerk.client.cookies[name]
    clerk.client.post("/logout")
    clerk.client.cookies.set(name, token)
    assert clerk.get("/cases").status_code == 303


def test_whoever_leaves_the_register_is_out_at_once(tree: Tree, clerk: Person) -> None:
    """The next page after the new staff edition asks to sign in, and the password is refused."""
    assert clerk.get("/cases").status_code == 200
    catalogue = without_notices()
    staff = [row for row in catalogue["staff"] if row["no"] != CLERK]
    tree.publish({**catalogue, "staff": staff})
    tree.settle()
    assert clerk.get("/cases").status_code == 303
    answer = clerk.client.post("/login", data={"staff_no": CLERK, "password": PASSWORD})
    assert answer.status_code == 403


def test_staff_of_another_station_cannot_sign_in(tree: Tree) -> None:
    """A number of the township is nobody in the village, even with a code."""
    other = "CG0101-02"
    assert first_login(Person(tree, VILLAGE), other, code_for(tree, other)) == 403
    with pytest.raises(LoginRefused):
        Accounts(tree.nodes[VILLAGE]).enter(other, PASSWORD)


def test_the_cookie_is_strict_and_hidden_from_scripts(tree: Tree) -> None:
    """The session cookie is HttpOnly and SameSite=Strict."""
    fields = {"staff_no": CLERK, "code": code_for(tree, CLERK)}
    fields |= {"password": PASSWORD, "password2": PASSWORD}
    answer = Person(tree, VILLAGE).client.post("/first-login", data=fields)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_login_never_leads_to_a_foreign_address(tree: Tree, clerk: Person) -> None:
    """`next` leads only to pages of ours."""
    for target in ("//evil.example", "https://evil.example", "/\\evil.example"):
        answer = clerk.client.post(
            "/login", data={"staff_no": CLERK, "password": PASSWORD, "next": target}
        )
        assert answer.headers["location"] == "/"
