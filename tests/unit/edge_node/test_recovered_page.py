"""Recovered records are checked by case, by a person who may, once, and everybody sees it."""

from __future__ import annotations

from node import recovered, troubles
from sync.engine import record, recovery
from sync.engine import tree as shapes
from sync.protocol.ports import RECOVERED
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE, Tree
from tests.unit.edge_node.pages_world import NAME, Person, form_key, words


def take_out(tree: Tree, last: int, code: str = VILLAGE) -> None:
    """Take the last events out of a station's log, as after a rewind."""
    node = tree.nodes[code]
    with node.database.write() as transaction:
        log = transaction.log(node.core.log)
        assert log is not None
        shape = shapes.load(node.core, transaction, tree.now_ms)
        recovery.set_aside(node.core, shape, transaction, log, log.position - last + 1)
    node.catch_up()


def check(person: Person, stream: str, **fields: str) -> int:
    """Post the form of 已核对; the status of the answer."""
    given = {"result": "不需要再办", "note": "演示", **fields}
    return person.post("/recovered", {"stream": stream, **given}).status_code


def stream_of(person: Person, number: str) -> str:
    """The stream of a case by its number."""
    return str(person.json(f"/api/v1/cases/{number}")["stream"])


def test_a_record_of_a_living_case_is_checked_and_its_history_says_so(
    tree: Tree, clerk: Person
) -> None:
    """Listed with number and name, checked with a result, then listed as done at every level."""
    number = clerk.take_in()
    tree.settle()
    clerk.act(number, "withdrawal_requested", reason="演示")
    stream = stream_of(clerk, number)
    take_out(tree, 1)
    tree.settle()
    page = clerk.get("/recovered")
    assert f'data-recovered-case="{stream}"' in page.text
    assert number in page.text
    assert "待核对1条" in words(clerk.get("/sync"))
    assert 422 == check(clerk, stream, result="")
    assert 422 == check(clerk, stream, result="别的")
    assert 303 == check(clerk, stream)
    page = clerk.get("/recovered")
    assert f'data-recovered-case="{stream}"' not in page.text
    assert f'data-checked-case="{stream}"' in page.text
    assert "核对恢复的记录:不需要再办" in words(clerk.get(f"/cases/{number}"))
    tree.settle()
    for code in (VILLAGE, TOWNSHIP, CENTRAL):
        with tree.nodes[code].database.read() as transaction:
            (one,) = troubles.of_tree(transaction, VILLAGE).recovered
        assert one.check is not None
        assert ("不需要再办", f"{VILLAGE}-01") == (one.check.result, one.check.actor), code
    assert "待核对0条" in words(clerk.get("/sync"))


def test_a_case_that_is_recovered_as_a_whole_can_be_checked_too(tree: Tree, clerk: Person) -> None:
    """There is no case to write into: the check has a stream of its own and goes up like any."""
    number = clerk.take_in()
    stream = stream_of(clerk, number)
    with tree.nodes[VILLAGE].database.read() as transaction:
        written = len(transaction.stream_events(stream))
    take_out(tree, written)
    tree.settle()
    page = clerk.get("/recovered")
    assert number in page.text
    assert NAME in page.text
    assert 303 == check(clerk, stream, result="已按纸质凭证重新办理", note="新号在纸上")
    assert f'data-checked-case="{stream}"' in clerk.get("/recovered").text
    tree.settle()
    with tree.central.database.read() as transaction:
        found = troubles.of_tree(transaction, VILLAGE)
    assert written == len(found.recovered)
    assert [] == found.to_check
    assert tree.row(CENTRAL, stream) is None, "checked, and still not applied"


def test_another_case_under_the_name_of_a_recovered_one_is_not_taken_for_it(
    tree: Tree, clerk: Person
) -> None:
    """A log that went on elsewhere may have used the name again: each keeps its own number."""
    lost = clerk.take_in(name="甲演示", id_type="其他", id_no="")
    stream = stream_of(clerk, lost)
    with tree.nodes[VILLAGE].database.read() as transaction:
        written = len(transaction.stream_events(stream))
    take_out(tree, written)
    fresh = clerk.take_in(name="乙演示", id_type="其他", id_no="")
    assert stream == stream_of(clerk, fresh)
    page = clerk.get("/recovered").text
    assert lost in page
    assert fresh not in page
    assert 303 == check(clerk, stream)
    assert "核对恢复的记录" not in words(clerk.get(f"/cases/{fresh}"))


def test_pressed_twice_is_checked_once(tree: Tree, clerk: Person) -> None:
    """The second press leads back to the list and writes nothing."""
    number = clerk.take_in()
    tree.settle()
    clerk.act(number, "withdrawal_requested", reason="演示")
    stream = stream_of(clerk, number)
    take_out(tree, 1)
    fields = {"form_key": form_key(), "stream": stream, "result": "不需要再办"}
    assert 303 == clerk.post("/recovered", fields).status_code
    written = tree.nodes[VILLAGE].situation().written
    assert 303 == clerk.post("/recovered", fields).status_code
    assert written == tree.nodes[VILLAGE].situation().written


def test_only_who_may_checks_and_only_for_its_own_station(tree: Tree, clerk: Person) -> None:
    """Another station's clerk, a person without the post, a form without its key: all refused."""
    number = clerk.take_in()
    tree.settle()
    clerk.act(number, "withdrawal_requested", reason="演示")
    stream = stream_of(clerk, number)
    take_out(tree, 1)
    tree.settle()
    above = Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-02")
    assert stream not in above.get("/recovered").text
    assert 422 == check(above, stream)
    keyless = clerk.client.post("/recovered", data={"stream": stream, "result": "不需要再办"})
    assert keyless.status_code in (400, 422)
    anothers = clerk.post("/recovered", {"stream": stream, "result": "不需要再办", "by": "X-9"})
    assert 409 == anothers.status_code
    assert 1 == len(_open(tree))


def _refs(tree: Tree) -> list[str]:
    with tree.nodes[VILLAGE].database.read() as transaction:
        return [recovered.ref_of(e) for e in transaction.events_standing(RECOVERED, 9)]


def test_two_records_of_one_name_are_two(tree: Tree, clerk: Person) -> None:
    """What was taken out twice at one place of the log is checked each by itself."""
    number = clerk.take_in()
    tree.settle()
    for reason in ("甲", "乙"):
        clerk.act(number, "withdrawal_requested", reason=reason)
        take_out(tree, 1)
    first, second = _refs(tree)
    assert first.rpartition("/")[0] == second.rpartition("/")[0], "one name"
    node = tree.nodes[VILLAGE]
    with node.database.write() as transaction:
        record.record(
            node.core, transaction, tree.now_ms, stream=None, kind="recovered_checked",
            actor=f"{VILLAGE}-01", added=(), body={"records": [first], "result": "不需要再办"},
        )  # fmt: skip
    node.catch_up()
    assert 1 == len(_open(tree))
    assert 303 == check(clerk, stream_of(clerk, number))
    assert [] == _open(tree)


def _open(tree: Tree, code: str = VILLAGE) -> list[str]:
    with tree.nodes[code].database.read() as transaction:
        return [one.name for one in troubles.of_tree(transaction, code).to_check]


def test_a_check_by_another_station_does_not_count(tree: Tree, clerk: Person) -> None:
    """Whatever its own node signs: the paper is at the station whose record it is."""
    number = clerk.take_in()
    tree.settle()
    clerk.act(number, "withdrawal_requested", reason="演示")
    take_out(tree, 1)
    tree.settle()
    (name,) = _open(tree)
    node = tree.nodes[TOWNSHIP]
    ref = _refs(tree)[0]
    with node.database.write() as transaction:
        record.record(
            node.core, transaction, tree.now_ms, stream=None, kind="recovered_checked",
            actor="X", added=(), body={"records": [ref], "result": "不需要再办"},
        )  # fmt: skip
    tree.settle()
    for code in (VILLAGE, TOWNSHIP, CENTRAL):
        tree.nodes[code].catch_up()
        with tree.nodes[code].database.read() as transaction:
            waiting = troubles.of_tree(transaction, VILLAGE).to_check
        assert [name] == [one.name for one in waiting], code


def test_without_the_post_there_is_no_button_and_no_way_past_it(tree: Tree, clerk: Person) -> None:
    """Who hands results out sees the list: 403, and nothing written."""
    number = clerk.take_in()
    tree.settle()
    stream = stream_of(clerk, number)
    tree.act(DISTRICT, stream, "taken_over", actor=f"{DISTRICT}-02", reason="演示")
    take_out(tree, 1, DISTRICT)
    other = Person(tree, DISTRICT).sign_in(f"{DISTRICT}-03")
    page = other.get("/recovered").text
    assert f'data-recovered-case="{stream}"' in page
    assert 'action="/recovered"' not in page
    assert 403 == check(other, stream)
    assert 1 == len(_open(tree, DISTRICT))
