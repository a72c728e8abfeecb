"""上报情况 and /metrics say what the second lane has still to do, and how long it takes."""

from __future__ import annotations

from tests.integration.tree_world import VILLAGE, Tree
from tests.unit.edge_node.pages_world import Person, words
from tests.unit.edge_node.test_case_file_pages import PHOTO, attach


class Measured:
    """A lane that measured its link."""

    rate, rate_up = 8000.0, 1000.0
    fetched, sent = 70, 30

    def wake(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to end."""


def test_what_is_left_is_said_with_its_time(tree: Tree, clerk: Person) -> None:
    """Nothing left, something left, something left at a measured rate."""
    assert "没有等着传的附件和目录" in words(clerk.get("/sync"))
    attach(clerk, clerk.take_in())
    assert "还有1个附件要送上去,500KB。" in words(clerk.get("/sync"))
    tree.nodes[VILLAGE].blob_lane = Measured()  # type: ignore[assignment]
    assert "还有1个附件要送上去,500KB,按现在的线路约需9分钟。" in words(clerk.get("/sync"))


def test_wrong_bytes_are_told_without_alarm(tree: Tree, clerk: Person) -> None:
    """A person reads that nothing is lost and nothing is to be done."""
    node = tree.nodes[VILLAGE]
    node.blobs.put_piece("0" * 64, 5, 0, b"wrong")
    assert "有1份传来的内容不对,已隔离,会自动重取" in words(clerk.get("/sync"))


def test_the_figures_are_exported(tree: Tree, clerk: Person) -> None:
    """The same numbers for the monitoring."""
    attach(clerk, clerk.take_in())
    tree.nodes[VILLAGE].blob_lane = Measured()  # type: ignore[assignment]
    text = clerk.get("/metrics").text
    assert "yizhan_blobs_to_give 1.0" in text
    assert f"yizhan_blob_bytes_to_give {float(len(PHOTO))}" in text
    assert "yizhan_blob_bytes_fetched 70.0" in text
    assert "yizhan_blobs_wrong 0.0" in text


def test_what_the_parent_refuses_is_said_and_exported(tree: Tree, clerk: Person) -> None:
    """How much, that nothing is lost, and what to do; not counted as on its way."""
    attach(clerk, clerk.take_in())
    node = tree.nodes[VILLAGE]
    (file,) = node.exchange.to_give()
    node.exchange.refuse(file)
    page = words(clerk.get("/sync"))
    assert "有1个附件(500KB)上级现在不收" in page
    assert "附件都在本站,没有丢" in page
    assert "要送上去" not in page
    text = clerk.get("/metrics").text
    assert "yizhan_blobs_refused 1.0" in text
    assert f"yizhan_blob_bytes_refused {float(len(PHOTO))}" in text
    assert "yizhan_blobs_to_give 0.0" in text
