"""What is remembered between the frames of one bundle, whichever way it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sync.protocol.bundles import BundleFacts, BundleManifest
from sync.protocol.errors import BadSignature
from sync.protocol.names import LogName


class Gap(NamedTuple):
    """A log a bundle could not go on with: held here up to `held`, there it begins at `at`."""

    log: LogName
    held: int
    at: int


@dataclass(slots=True)
class Session:
    """One bundle being taken in.

    Shapes: `digest` names its manifest; `already` it was taken in whole before; `past` a newer
    bundle or a newer life of its maker is known here, so its cursors say nothing; `source` is the
    neighbour its road begins at; `taken`, `known`, `failed` count events; `covered` the events the
    receipts in it cover that none did before; `missing` are the first and last number of the
    maker's bundles between the last one taken and this; `told` is what a verdict in it says.
    """

    manifest: BundleManifest
    digest: str
    already: bool = False
    past: bool = False
    source: str = ""
    facts: BundleFacts | None = None
    facts_seen: int = 0
    taken: int = 0
    known: int = 0
    failed: int = 0
    covered: int = 0
    contiguous: bool = True
    told: str = ""
    gaps: dict[LogName, Gap] = field(default_factory=dict)
    missing: tuple[int, int] = (0, 0)
    touched: set[LogName] = field(default_factory=set)

    @property
    def maker(self) -> str:
        return self.manifest.station

    def identify(self, facts: BundleFacts) -> None:
        """Check that what is inside was made by whoever signed the outside.

        Raises: BadSignature.
        """
        outside = self.manifest
        if (facts.station, facts.epoch, facts.incarnation, facts.number) != (
            outside.station,
            outside.epoch,
            outside.incarnation,
            outside.number,
        ):
            raise BadSignature("a bundle with the content of another")
