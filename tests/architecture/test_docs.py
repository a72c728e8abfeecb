"""What the documents say is there is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import documents
from tests.architecture.house import ROOT, files

DOCUMENTS = [
    path
    for path in files()
    if path.suffix == ".md" and path.relative_to(ROOT).parts[0] in ("docs", "README.md")
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    """A reader can follow every link without a network."""
    assert [] == documents.dead_links(document)


def test_there_is_a_readme() -> None:
    """The list of documents above is not empty by mistake."""
    assert ROOT / "README.md" in DOCUMENTS


def test_every_guarantee_names_its_proof() -> None:
    """Each of G1 to G11 names an existing test, or the later issue that brings it."""
    text = (ROOT / "docs/GUARANTEES.md").read_text(encoding="utf-8")
    assert [] == documents.unproved(text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_a_document_names_exists(document: Path) -> None:
    """A proof that was renamed is no proof."""
    assert [] == documents.unknown_tests(document.read_text(encoding="utf-8"))


def test_every_place_of_the_code_map_exists() -> None:
    """The map shows the house as it stands."""
    places = documents.code_map((ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8"))
    assert len(places) > 10
    assert [] == [place for place in places if not (ROOT / place).exists()]


def test_every_product_package_is_on_the_code_map() -> None:
    """No package stands outside the map."""
    places = documents.code_map((ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8"))
    packages = {p.relative_to(ROOT).parts[0] for p in files() if p.name == "__init__.py"}
    assert set() == packages - {place.partition("/")[0] for place in places} - {"tests", "typings"}


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    """The checks bite: a link to nothing, not one in code or on the net."""
    document = tmp_path / "x.md"
    document.write_text(
        "[a](gone.md) [b](https://example.test/x) [c](#part) `[d](gone2.md)` ![e](gone.png)\n"
        "```\n[f](gone3.md)\n```\n[g](x.md#part)\n",
        encoding="utf-8",
    )
    assert ["x.md: gone.md", "x.md: gone.png"] == documents.dead_links(document)


def test_a_test_that_does_not_exist_is_found() -> None:
    """A wrong path and a wrong name are both found, a right one is not."""
    here = "tests/architecture/test_docs.py"
    text = f"{here}::test_links_lead_to_files {here}::test_gone tests/gone.py::test_x"
    assert [f"{here}::test_gone", "tests/gone.py::test_x"] == documents.unknown_tests(text)


def test_a_guarantee_without_proof_is_found() -> None:
    """A row without a test or an issue, and a row that is missing, are both found."""
    rows = [f"| **G{n}** | x | y | `tests/a.py::test_x` |" for n in range(1, 10)]
    rows += ["| **G10** | tests/a.py::test_x | y | soon |"]
    assert ["G11", "G10"] == documents.unproved("\n".join(rows))
    rows += ["| G11 | x | y | comes with issue 7 |"]
    assert ["G10"] == documents.unproved("\n".join(rows))
