"""What the console's routes share: the node, the gate, the templates, and who may see what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from node.program import Node
from ui.login import Gate
from ui.pages import Pages
from ui.people import NoPost, Person

SUPERVISE = "supervise"
CATALOGUE = "catalogue"
ADMIN = "admin"
STAFF = (SUPERVISE, CATALOGUE, ADMIN)
_NAMES = {SUPERVISE: "监督", CATALOGUE: "目录管理", ADMIN: "站点管理"}


@dataclass(frozen=True, slots=True)
class Console:
    """The parts a route needs."""

    node: Node
    folder: Path
    gate: Gate
    pages: Pages

    def holding(self, *posts: str) -> Callable[[Request], Person]:
        """Return the dependency that lets only people with one of the posts in."""

        def person(request: Request) -> Person:
            found = self.gate.person(request)
            if not found.may(*posts):
                names = "、".join(_NAMES[post] for post in posts)
                raise NoPost(f"这一页需要“{names}”岗位,您没有。没有改动任何内容。")
            return found

        return person
