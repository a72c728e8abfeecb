"""People at browsers of real nodes: a tree of stations, one client per signed-in person."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from casework.identity import citizen_id_check
from edge_node.app import create_pages
from node import accounts
from tests.integration.tree_world import (
    CENTRAL,
    DISTRICT,
    TOWNSHIP,
    VILLAGE,
    VILLAGE_2,
    Tree,
    without_notices,
)

STATIONS = (CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, VILLAGE_2)
ALLOWANCE = "CG-MZ-0101"
PASSWORD = "demo-pass-1"
ORIGIN = "http://127.0.0.1:8080"
NAME = "何演示"
_FIRST_17 = "99010119400315002"
ID_NO = _FIRST_17 + citizen_id_check(_FIRST_17)
PAPERS = {"material_M1": "已收", "material_M2": "已收", "material_M3": "已收"}
_KEYS = count(1)


def form_key() -> str:
    """A key no other form of the run has."""
    return f"test-key-{next(_KEYS):06d}"


class Person:
    """One browser at one station."""

    def __init__(self, tree: Tree, code: str) -> None:
        self.tree = tree
        self.code = code
        self.client = TestClient(
            create_pages(tree.nodes[code]), base_url=ORIGIN, follow_redirects=False
        )

    def sign_in(self, number: str) -> Person:
        """Set a password with a one-time code and be signed in."""
        with self.tree.nodes[self.code].database.write() as transaction:
            code = accounts.issue_code(transaction, number, self.tree.now_ms)
        fields = {"staff_no": number, "code": code, "password": PASSWORD, "password2": PASSWORD}
        answer = self.client.post("/first-login", data=fields)
        assert answer.status_code == 303, answer.text
        return self

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        answer: httpx.Response = self.client.get(path, headers=headers)
        return answer

    def post(
        self, path: str, fields: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Post a form with a fresh key, unless it brings its own."""
        answer: httpx.Response = self.client.post(
            path, data={"form_key": form_key(), **(fields or {})}, headers=headers
        )
        return answer

    def json(self, path: str) -> Any:
        """The JSON under an address."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def take_in(self, matter: str = ALLOWANCE, **fields: str) -> str:
        """Take in a case and return its receipt number."""
        answer = self.post(f"/intake/{matter}", {**intake_fields(), **fields})
        assert answer.status_code == 303, answer.text
        return urlsplit(answer.headers["location"]).path.split("/")[2]

    def act(self, number: str, act: str, **fields: str) -> httpx.Response:
        """Do an act on a case by its form."""
        return self.post(f"/cases/{number}/acts/{act}", dict(fields))


def intake_fields() -> dict[str, str]:
    """What a clerk fills in for the allowance."""
    applicant = {"name": NAME, "id_type": "居民身份证", "id_no": ID_NO, "phone": "000"}
    return {**applicant, "phone_of": "本人", **PAPERS}


def words(answer: httpx.Response) -> str:
    """What can be read on a page, without blanks."""
    return "".join(re.sub(r"<[^>]*>", "", answer.text).split())


def cut(tree: Tree, code: str) -> None:
    """Let two rounds of a station go unanswered."""
    for _ in range(2):
        tree.now_ms += 1000
        tree.nodes[code].rounds.begin()


@pytest.fixture(scope="session")
def pages_at_rest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The stopped files of a tree at rest, and what time it is there."""
    folder = tmp_path_factory.mktemp("pages")
    tree = Tree.founded(folder)
    tree.publish(without_notices())
    tree.enrol(*STATIONS[1:])
    tree.settle()
    tree.close()
    return folder, tree.now_ms


@pytest.fixture
def tree(pages_at_rest: tuple[Path, int], tmp_path: Path) -> Iterator[Tree]:
    """Central, a district, a township and two villages, with a catalogue, at rest."""
    folder, now_ms = pages_at_rest
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    made = Tree(tmp_path, now_ms)
    for code in STATIONS:
        made.open(code)
    yield made
    made.close()


@pytest.fixture
def clerk(tree: Tree) -> Person:
    """The clerk of the first village, signed in."""
    return Person(tree, VILLAGE).sign_in(f"{VILLAGE}-01")


@pytest.fixture
def reviewer(tree: Tree) -> Person:
    """A reviewer of the township above it, signed in."""
    return Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-02")
