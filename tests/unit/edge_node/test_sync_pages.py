"""The badge and 上报情况: true words for every rung, never a success word too early."""

from __future__ import annotations

import pytest

from edge_node.badge import badge
from edge_node.sync_words import rung_words
from node.situation import BACKED_UP, CENTRAL, LOCAL, PARENT, RUNGS, Rungs, Situation
from tests.integration.tree_world import TOWNSHIP, VILLAGE, Tree
from tests.unit.edge_node.pages_world import Person, cut, words
from ui.pages import Badge

NOW = 1_795_482_000_000
TOWN = "斗南街道"


def state(**changes: object) -> Situation:
    """A situation in which all is backed up and the parent answered a minute ago."""
    quiet = Situation(
        rungs=Rungs(0, 0, 0, 5), written=5, oldest_unsent_ms=0, carried=0, parent="CG0101",
        parent_answers=True, last_success_ms=NOW - 60_000, last_attempt_ms=NOW - 60_000,
        failures=0, verdict="ok", incomplete=0, set_aside=0, refused=0, held=5, frozen="",
    )  # fmt: skip
    return quiet._replace(**changes)  # type: ignore[arg-type]


def shown(situation: Situation, cases: int = 0, *, central: bool = False) -> Badge:
    return badge(situation, cases=cases, parent_name=TOWN, parent_is_central=central, now_ms=NOW)


@pytest.mark.parametrize("rung", RUNGS)
def test_each_rung_has_its_words_and_the_tick_begins_at_central(rung: str) -> None:
    """已保存在本站 / 已传到 its name / 已到中心 / 已备份; no 已上报 anywhere."""
    text = rung_words(rung, parent_name=TOWN, parent_is_central=False)
    expected = {
        LOCAL: f"已保存在本站,还没有传到{TOWN}",
        PARENT: f"已传到{TOWN},等它转报",
        CENTRAL: "✓ 已到中心",
        BACKED_UP: "✓ 已到中心,已备份",
    }
    assert text == expected[rung]
    assert "已上报" not in text
    assert "转报" not in rung_words(PARENT, parent_name="中心", parent_is_central=True)


@pytest.mark.parametrize(
    ("rungs", "expected"),
    [
        (Rungs(2, 0, 0, 3), "待上报 1 件"),
        (Rungs(0, 2, 0, 3), f"已传到{TOWN},等它转报"),
        (Rungs(0, 0, 5, 0), "全部已到中心"),
        (Rungs(0, 0, 0, 5), "全部已到中心"),
    ],
)
def test_the_badge_tells_the_lowest_rung(rungs: Rungs, expected: str) -> None:
    """The tick stands only when nothing is below central."""
    made = shown(state(rungs=rungs), cases=1 if rungs.local else 0)
    assert expected in made.words
    assert (made.icon == "✓") == (rungs.local == rungs.parent == 0)


@pytest.mark.parametrize(
    "trouble",
    [
        {"parent_answers": False},
        {"frozen": "fork"},
        {"verdict": "rewind"},
        {"verdict": "revoked/retired"},
        {"verdict": "versions_apart"},
        {"refused": 1},
        {"set_aside": 2},
        {"carried": 3},
        {"parent_answers": False, "last_success_ms": 0},
    ],
)
def test_no_success_word_while_anything_is_wrong(trouble: dict[str, object]) -> None:
    """Whatever is wrong, no tick and no 全部已到."""
    made = shown(state(**trouble))
    assert made.icon != "✓"
    assert "全部已到" not in made.words
    assert made.detail


def test_a_long_cut_is_told_in_days() -> None:
    """Two days without an answer read 已断网 2天, and the sentence asks to call the county."""
    made = shown(state(parent_answers=False, last_success_ms=NOW - 2 * 86_400_000 - 5))
    assert "已断网 2天" in made.words
    assert "联系县运维" in made.detail


def test_the_page_counts_what_the_cursors_say(tree: Tree, clerk: Person) -> None:
    """The numbers per rung are those of the store, before and after a round."""
    clerk.take_in()
    unsent = tree.nodes[VILLAGE].situation().rungs.local
    assert unsent > 0
    page = clerk.get("/sync")
    assert f'data-rung="local">{unsent} 条(1 件)' in page.text
    tree.round(VILLAGE)
    assert 'data-rung="local">0 条' in clerk.get("/sync").text
    assert f'data-rung="parent">{unsent} 条' in clerk.get("/sync").text


def test_a_cut_link_names_the_neighbour_that_does_not_answer(tree: Tree, clerk: Person) -> None:
    """The village's page names the township, and says that nothing is lost."""
    clerk.take_in()
    cut(tree, VILLAGE)
    page = words(clerk.get("/sync"))
    assert "斗南街道为民服务中心没有应答" in page
    assert "没有丢失" in page
    assert "断网办理中·待上报1件" in words(clerk.get("/badge"))


def test_pressing_while_cut_gives_no_success_word(tree: Tree, clerk: Person) -> None:
    """立即上报 without an answer says where the cases are, in words."""
    clerk.take_in()
    cut(tree, VILLAGE)
    asked = tree.nodes[VILLAGE].situation().last_attempt_ms
    cut(tree, VILLAGE)
    page = words(clerk.get(f"/sync?asked={asked}"))
    assert "没有连上斗南街道为民服务中心" in page
    assert "1件仍在本站,没有丢失" in page


def test_a_cut_behind_the_parent_is_told_as_such(tree: Tree, clerk: Person) -> None:
    """The township answers but its own road is cut: 已传到, 等它转报."""
    clerk.take_in()
    cut(tree, TOWNSHIP)
    tree.settle(VILLAGE)
    page = words(clerk.get("/sync"))
    assert "斗南街道为民服务中心有应答" in page
    assert "等它转报" in page
    assert "✓" not in page


def test_editions_are_listed_with_their_day(clerk: Person) -> None:
    """The catalogue editions stand there with the time of their publication."""
    page = words(clerk.get("/sync"))
    assert "事项目录区划530114000000,社区村2026-11-24" in page
    assert {item["title"] for item in clerk.json("/api/v1/sync")["editions"]} >= {"事项目录"}


def test_metrics_and_readiness_need_no_login(tree: Tree) -> None:
    """Prometheus and systemd ask without a session; figures carry no names."""
    person = Person(tree, VILLAGE)
    text = person.get("/metrics").text
    for name in ("yizhan_events_held", "yizhan_unsent_events", 'yizhan_cases{tab="办理中"}'):
        assert name in text
    assert person.json("/healthz") == {"ok": True}
    assert person.json("/readyz") == {"ready": True}
