"""The one place where an import asks casework whether a matter could be published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework.matter_lint import ERROR, lint_matter


def lint_sentences(entry: Mapping[str, Any]) -> list[str]:
    """Return what forbids publishing an entry; warnings are for the catalogue page, not here."""
    return [finding.sentence for finding in lint_matter(entry) if finding.severity == ERROR]
