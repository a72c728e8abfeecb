"""One tree, four releases: what a relay does not understand it carries, byte for byte (G8).

Central and the village run the next release, the district an older one, the township this one. In
between the township is upgraded in place and put back, and the district is upgraded.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from casework.case_table import SqlCaseTable
from sync.engine.carried import CARRIED
from sync.protocol import statements
from sync.protocol.envelope import Event
from sync.protocol.names import EventName
from sync.protocol.ports import ParentLink, Transaction
from tests.integration.tree_world import CENTRAL, DISTRICT, TOWNSHIP, VILLAGE
from tests.releases.newer import ACT, FLAG, NOTICE, REGISTER, SURVEY
from tests.releases.world import PATH, World, until

HANDED_ON = "CG-MZ-0101"
AT_ONCE = "CG-CW-0101"
ROWS = {f"A{n:03d}": {"code": f"A{n:03d}", "says": "演示", "later": {"n": n}} for n in range(40)}


class Told:
    """What happened, for the tests to look at."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.first = ""
        self.second = ""
        self.flags: dict[str, tuple[str, ...]] = {}


def events(transaction: Transaction, stream: str) -> list[Event]:
    """Return the events of a stream as they are stored, in the order of their names."""
    return [s.event for s in sorted(transaction.stream_events(stream), key=lambda s: s.name)]


def row_flags(world: World, code: str, stream: str) -> tuple[str, ...]:
    """Return the flags of a case as the node's list shows them, ("",) if it is not there."""
    with world.database(code) as database, database.read() as transaction:
        row = SqlCaseTable(transaction.connection).get(stream)
    return ("",) if row is None else row.flags


def at_central(world: World, code: str) -> bool:
    """Return whether everything a station wrote is at central by central's own word."""
    logs = world.read(code, lambda t: [log for log in t.logs() if log.name.station == code])
    return bool(logs) and all(log.central_position == log.position > 0 for log in logs)


def parent_link(world: World, code: str) -> ParentLink:
    link = world.read(code, lambda t: t.parent_link())
    assert link is not None
    return link


def act(world: World, code: str, stream: str, name: str, **fields: object) -> None:
    actor = f"{code}-02" if code == TOWNSHIP else f"{code}-01"
    world.ask(code, "act", act=name, stream=stream, fields=fields, actor=actor)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The whole story, played once."""
    world = World(tmp_path_factory.mktemp("mixed"))
    try:
        yield _play(world)
    finally:
        world.end()


def _play(world: World) -> Told:
    told = Told(world)
    for code, release in zip(PATH, ("newer", "older", "this", "newer"), strict=True):
        world.start(code, release)
    _newer_ends_talk(world, told)
    world.restart(TOWNSHIP, "newer")  # upgraded in place: nothing new comes, and yet
    until(lambda: FLAG in row_flags(world, TOWNSHIP, told.first), "the township's case shows it")
    told.flags["upgraded"] = row_flags(world, TOWNSHIP, told.first)
    until(lambda: world.read(TOWNSHIP, lambda t: t.statement(NOTICE, "")), "the notice is heeded")
    world.restart(TOWNSHIP, "this")  # and put back
    world.restart(DISTRICT, "this")
    told.second = world.ask(VILLAGE, "take_in", matter=AT_ONCE)
    act(world, VILLAGE, told.second, ACT, seen={"photos": 3})
    until(lambda: at_central(world, VILLAGE), "the village's last case is at central")
    until(
        lambda: parent_link(world, DISTRICT).dictionary == 1, "the district heard of dictionaries"
    )
    for code in PATH:
        world.stop(code)
    return told


def _newer_ends_talk(world: World, told: Told) -> None:
    """Both ends say what nobody between them knows; those between go on with their work."""
    told.first = world.ask(VILLAGE, "take_in", matter=HANDED_ON)
    act(world, VILLAGE, told.first, ACT, seen={"photos": 2})
    world.ask(CENTRAL, "publish", register=REGISTER, rows=ROWS, pack_format=3)
    world.ask(CENTRAL, "say", kind=NOTICE, payload={"v": 2, "text": "演示", "later": {"a": [1]}})
    world.ask(VILLAGE, "say", kind=SURVEY, payload={"v": 2, "score": 5})
    until(lambda: at_central(world, VILLAGE), "the village's log is at central")
    until(lambda: world.read(VILLAGE, lambda t: t.statement(NOTICE, "")), "the notice")
    until(lambda: world.read(CENTRAL, lambda t: t.statements(SURVEY)), "the survey")
    until(lambda: world.read(VILLAGE, lambda t: t.entry(REGISTER, "A001")), "the register")
    until(lambda: row_flags(world, TOWNSHIP, told.first) != ("",), "the case at the township")
    told.flags["before"] = row_flags(world, TOWNSHIP, told.first)
    act(world, TOWNSHIP, told.first, "accepted", kind="普通")
    until(lambda: at_central(world, TOWNSHIP), "the township's acts are at central")


def test_every_event_is_the_same_bytes_at_every_station(told: Told) -> None:
    """Unknown types, fields of envelopes and of bodies, through relays that know none of them."""
    world = told.world
    for stream, holders in ((told.first, PATH), (told.second, (CENTRAL, DISTRICT, TOWNSHIP))):
        written = world.read(VILLAGE, lambda t, s=stream: events(t, s))
        own = [e for e in written if b'"station":"CG0111"' in e.envelope]
        assert any(ACT.encode() in e.envelope and b'"v":2' in e.envelope for e in own)
        assert all(b'"later":{"deep"' in e.envelope for e in own)
        assert any(b'"later":{"deep"' in (e.body or b"") for e in own)
        for code in holders:
            held = world.read(code, lambda t, s=stream: events(t, s))
            assert set(own) <= set(held), f"{code} holds other bytes of {stream}"


def test_nothing_is_refused_or_set_aside_and_no_program_stumbles(told: Told) -> None:
    """Holes, quarantine and tracebacks: none, on any of the four."""
    for code in PATH:
        logs = told.world.read(code, lambda t: [log.name for log in t.logs()])
        refused = told.world.read(code, lambda t, n=logs: [r for log in n for r in t.refusals(log)])
        assert [] == refused
        assert "Traceback" not in told.world.log(code).read_text(encoding="utf-8")
        broke = [line for line in told.world.said(code) if "broke" in str(line.get("event"))]
        assert [] == broke


def test_statements_of_unknown_kinds_come_through_whole(told: Told) -> None:
    """The authority's goes down past two relays, the village's climbs to central."""
    world = told.world
    notice = world.read(CENTRAL, lambda t: t.statement(NOTICE, ""))
    survey = world.read(VILLAGE, lambda t: t.statement(SURVEY, ""))
    assert notice is not None
    assert survey is not None
    assert notice == world.read(VILLAGE, lambda t: t.statement(NOTICE, ""))
    assert [survey] == [raw for _, raw in world.read(CENTRAL, lambda t: t.statements(SURVEY))]
    assert {notice, survey} <= {
        raw for _, raw in world.read(DISTRICT, lambda t: t.statements(CARRIED))
    }


def test_known_statements_keep_their_unknown_fields(told: Told) -> None:
    """Manifest, time mark, receipts and attachments are handed on as they were signed."""
    world = told.world
    mark = world.read(VILLAGE, lambda t: t.statement(statements.TIME_MARK, ""))
    assert mark is not None
    assert b'"later"' in statements.decode(mark).payload
    central = dict(world.read(CENTRAL, lambda t: t.statements(statements.RECEIPT)))
    village = dict(world.read(VILLAGE, lambda t: t.statements(statements.RECEIPT)))
    assert village
    assert village.items() <= central.items()
    assert all(b'"later"' in statements.decode(raw).payload for raw in village.values())


def test_an_unknown_register_in_an_unknown_pack_format_passes_relays(told: Told) -> None:
    """A relay that cannot unpack it keeps manifest and packs, and the village takes it whole."""
    world = told.world
    found = world.read(VILLAGE, lambda t: {e.key: e.raw for e in t.entries(REGISTER)})
    assert found == world.read(CENTRAL, lambda t: {e.key: e.raw for e in t.entries(REGISTER)})
    assert sorted(ROWS) == sorted(found)
    assert [] == world.read(DISTRICT, lambda t: list(t.entries(REGISTER)))


def test_a_case_is_read_anew_by_the_release_that_understands_it(told: Told) -> None:
    """Nothing new arrived: the upgrade alone made the township's list show what it had carried."""
    assert FLAG not in told.flags["before"]
    assert FLAG in told.flags["upgraded"]


def test_the_record_nobody_knows_is_listed_at_the_township(told: Told) -> None:
    """A person there sees that something happened, though not what."""
    name = told.world.read(
        TOWNSHIP,
        lambda t: next(s.name for s in t.stream_events(told.first) if s.type == ACT),
    )
    assert isinstance(name, EventName)
    assert VILLAGE == name.station


def test_the_older_release_speaks_the_floor_and_is_upgraded_without_a_word(told: Told) -> None:
    """Its rounds went on, and dictionaries are used from the round after the upgrade on."""
    assert "ok" == parent_link(told.world, DISTRICT).verdict
    assert 1 == parent_link(told.world, DISTRICT).dictionary


def test_a_database_of_the_next_release_is_opened_again_by_this_one(told: Told) -> None:
    """Put back after an upgrade, the township went on on the newer file, which keeps its number."""
    with told.world.database(TOWNSHIP) as database, database.read() as transaction:
        sql = "PRAGMA user_version"
        assert 2 == transaction.connection.execute(sql).fetchone()[0]
        assert 0 == transaction.connection.execute("SELECT count(*) FROM later").fetchone()[0]
