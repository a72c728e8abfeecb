"""The list of seeded protocol bugs: small patches of engine and casework the simulator must catch.

Each is a mistake somebody could make in a line or two. The table in `docs/simulator.md` says how
many seeds each one needed.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from tests.simulation import (
    bugs_casework,
    bugs_decrees,
    bugs_lives,
    bugs_routing,
    bugs_sticks,
    bugs_trust,
)
from tests.simulation.planting import Patch


def _listed(module: ModuleType) -> dict[str, Callable[[], list[Patch]]]:
    own = vars(module).items()
    return {name: made for name, made in own if getattr(made, "__module__", "") == module.__name__}


_PLACES = (bugs_routing, bugs_trust, bugs_casework, bugs_decrees, bugs_lives, bugs_sticks)
BUGS = {name: made for place in _PLACES for name, made in _listed(place).items()}
