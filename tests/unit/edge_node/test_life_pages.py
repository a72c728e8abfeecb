"""A machine whose log stands still: said plainly, asked for the right thing, refused over HTTP."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from edge_node import life_words
from node import troubles
from sync.engine import lives, recovery
from sync.engine.core import Effects
from sync.engine.freeze import second_copy
from sync.protocol.lives import LOST, REASONS, Seen
from sync.protocol.ports import Refused
from tests.integration.tree_world import TOWNSHIP, VILLAGE, Tree
from tests.unit.edge_node.pages_world import Person, words
from ui.forms import KEY_HEADER


def stop(tree: Tree, reason: str) -> None:
    """Halt the village's log as its parent's verdict would."""
    node = tree.nodes[VILLAGE]
    with node.database.write() as transaction:
        lives.stop(node.core, transaction, tree.now_ms, reason, Effects())


@pytest.mark.parametrize("reason", REASONS)
def test_the_page_says_what_happened_what_is_safe_and_what_to_do(
    tree: Tree, clerk: Person, reason: str
) -> None:
    """Every reason has its sentence and its steps; the check code is there to be read out."""
    stop(tree, reason)
    page = words(clerk.get("/sync"))
    with tree.nodes[VILLAGE].database.read() as transaction:
        own = troubles.own(transaction)
    assert own is not None
    assert words_of(life_words.sentence(reason)) in page
    assert words_of(life_words.steps(own, "")[0].partition("着")[0]) in page
    assert bool(own.code) == (reason != "rebuilt")
    assert own.code in page
    assert "上报已停" in words(clerk.get("/badge"))


def words_of(sentence: str) -> str:
    """A sentence without blanks, as `words` gives pages."""
    return "".join(sentence.split())


def test_acts_are_refused_when_asked_for_directly(tree: Tree, clerk: Person) -> None:
    """Whatever the pages offer: a POST is answered with a sentence, and nothing is written."""
    number = clerk.take_in()
    tree.settle()
    stop(tree, "rewind")
    before = tree.nodes[VILLAGE].situation().written
    answer = clerk.act(number, "withdrawal_requested", reason="演示")
    assert 409 == answer.status_code
    assert "这一步没有保存" in words(answer)
    assert "用纸记录" in words(answer)
    answer = clerk.client.post(
        f"/api/v1/cases/{number}/acts/withdrawal_requested",
        json={"reason": "演示"},
        headers={KEY_HEADER: "test-key-of-a-stopped-log"},
    )
    assert (409, "log_stopped") == (answer.status_code, answer.json()["code"])
    assert before == tree.nodes[VILLAGE].situation().written
    assert 200 == clerk.get(f"/cases/{number}").status_code, "looking is still possible"


def test_recovered_and_lost_records_are_listed_to_be_checked(tree: Tree, clerk: Person) -> None:
    """On 上报情况 with what they say, on the case as not counting, lost ones by number."""
    number = clerk.take_in()
    tree.settle()
    clerk.act(number, "withdrawal_requested", reason="演示")
    node = tree.nodes[VILLAGE]
    with node.database.write() as transaction:
        log = transaction.log(node.core.log)
        assert log is not None
        shape = lives.tree.load(node.core, transaction, tree.now_ms)
        recovery.set_aside(node.core, shape, transaction, log, log.position)
        transaction.refuse(Refused(node.core.log, log.position + 7, LOST, b""))
    node.catch_up()
    page = words(clerk.get("/sync"))
    assert "恢复出来的记录1条" in page
    assert f"第{log.position + 7}条记录随机器丢失" in page
    for path in ("/cases?tab=需要确认", f"/cases/{number}"):
        assert "恢复出来的真实记录,没有算数" in words(clerk.get(path)), path


def test_the_parents_page_shows_the_frozen_child_with_its_evidence(tree: Tree) -> None:
    """Both machines side by side, and that the others are not touched."""
    township, village = tree.nodes[TOWNSHIP], tree.nodes[VILLAGE]
    with township.database.write() as transaction:
        log = transaction.log(village.core.log)
        assert log is not None
        one = Seen("1795482004000-aaaaaaaaaaaaaaaa", log.position, log.chain, tree.now_ms)
        other = replace(one, incarnation="1795482004000-bbbbbbbbbbbbbbbb")
        second_copy(township.core, transaction, tree.now_ms, log, one, other)
    reviewer = Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-02")
    page = words(reviewer.get("/sync"))
    assert "日志已冻结" in page
    assert "两台机器在用同一身份" in page
    assert one.incarnation in page
    assert other.incarnation in page
    tree.settle()
    with tree.central.database.read() as transaction:
        assert [VILLAGE] == [proof.station for proof in troubles.evidence(transaction)]
