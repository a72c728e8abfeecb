"""The list of seeded protocol bugs: small patches of engine and casework the simulator must catch.

Each is a mistake somebody could make in a line or two. The table in `docs/simulator.md` says how
many seeds each one needed.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from tests.simulation import bugs_casework, bugs_routing, bugs_trust
from tests.simulation.planting import Patch


def _listed(module: ModuleType) -> dict[str, Callable[[], list[Patch]]]:
    own = vars(module).items()
    return {name: made for name, made in own if getattr(made, "__module__", "") == module.__name__}


BUGS = {**_listed(bugs_routing), **_listed(bugs_trust), **_listed(bugs_casework)}
