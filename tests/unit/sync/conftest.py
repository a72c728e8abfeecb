"""The county every engine test starts from."""

from __future__ import annotations

import pytest

from tests.unit.sync.harness import World, county


@pytest.fixture
def world() -> World:
    """Central, two townships, three villages, at rest."""
    return county()
