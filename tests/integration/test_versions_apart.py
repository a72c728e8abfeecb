"""A child of a version its parent cannot talk to is named at the parent, and by nobody else."""

from __future__ import annotations

import msgspec
import pytest

from sync.protocol import canonical, frames, rounds
from sync.protocol.errors import PeerTooOld, UnsupportedVersion
from tests.integration.test_console_sticks import SUPERVISOR, Desk, desk
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, Tree
from tests.unit.edge_node.pages_world import Person, words

__all__ = ["desk"]


def request_of(tree: Tree, code: str, version: int, signer: str = "") -> bytes:
    """A request of a station as a node of that version would send it."""
    node = tree.nodes[code]
    stream = node.rounds.begin()
    said = next(f.payload for f in frames.decode_stream(stream) if f.type == frames.HELLO)
    fields = msgspec.json.decode(rounds.split_header(said)[1])
    payload = canonical.dumps({**fields, "v": version, "later": "unknown here"})
    parent = tree.parent_of(code).core.station
    signature = tree.nodes[signer or code].core.signer.sign(rounds.hello_message(parent, payload))
    hello = frames.Frame(frames.HELLO, rounds.encode_header(signature, payload))
    return frames.encode_stream([hello])


def call(tree: Tree, code: str, version: int, signer: str = "") -> None:
    """Let the parent be called; it sends the child away."""
    with pytest.raises(UnsupportedVersion):
        tree.parent_of(code).rounds.serve(request_of(tree, code, version, signer))


def test_the_parent_names_a_child_that_is_too_new_until_they_talk_again(tree: Tree) -> None:
    """Who, that nothing is lost, whom to upgrade; the next round clears it."""
    tree.settle()
    clerk = Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-02")
    assert "data-apart" not in clerk.get("/sync").text
    call(tree, VILLAGE, 9)
    page = clerk.get("/sync")
    assert "的程序版本太新" in words(page)
    assert tree.nodes[VILLAGE].station_name(VILLAGE) in words(page)
    assert "它的记录都保存在它那里,没有丢失。请联系县运维升级本机" in words(page)
    assert "yizhan_children_apart 1.0" in clerk.get("/metrics").text
    tree.settle()
    assert "data-apart" not in clerk.get("/sync").text
    assert "yizhan_children_apart 0.0" in clerk.get("/metrics").text


def test_central_names_its_district_too_old(tree: Tree, desk: Desk) -> None:
    """On the page of the stations, with the one to upgrade."""
    tree.settle()
    with pytest.raises(PeerTooOld):
        tree.central.rounds.serve(request_of(tree, DISTRICT, 0))
    page = words(desk(SUPERVISOR).get("/"))
    assert "的程序版本太旧" in page
    assert "升级那个站点" in page


def test_nobody_can_have_another_station_named(tree: Tree, desk: Desk) -> None:
    """A hello another station signed, and one of a stranger to this parent, note nothing."""
    tree.settle()
    call(tree, DISTRICT, 9, signer=VILLAGE)
    strange = request_of(tree, VILLAGE, 9)
    with pytest.raises(UnsupportedVersion):
        tree.nodes[CENTRAL].rounds.serve(strange)
    assert "data-apart" not in desk(SUPERVISOR).get("/").text
