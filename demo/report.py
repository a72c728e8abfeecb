"""What a play came to: its steps, the nodes' memory, an idle round; one JSON line at the end."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Step:
    """One step of the story as it went."""

    name: str
    ok: bool
    seconds: float
    detail: str


@dataclass
class NodeFact:
    """A node at the end of the story. Units: MiB of resident memory."""

    code: str
    tier: str
    rss_mib: float


@dataclass
class Report:
    """The result of `demo check`. Units: bytes of one idle round with its HTTP headers."""

    steps: list[Step] = field(default_factory=list)
    nodes: list[NodeFact] = field(default_factory=list)
    idle_round_bytes: int = 0
    story_seconds: float = 0.0
    kill: str = ""

    @property
    def ok(self) -> bool:
        """True if something was played and nothing failed."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    def line(self) -> str:
        """The report as one line of JSON."""
        facts = {"ok": self.ok, **asdict(self)}
        if not self.kill:
            del facts["kill"]
        return json.dumps(facts, ensure_ascii=False)
