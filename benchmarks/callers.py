"""Many stations in one process: the product's own child engine over stores in memory."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from benchmarks.county import CENTRAL, now_ms
from node.rounds import Rounds
from sync.engine import authority, record
from sync.engine.core import Core
from sync.protocol.names import incarnation
from sync.signing import Ed25519Signer, Ed25519Verifier, SystemChance, new_seed
from tests.fakes.memory_blobs import MemoryBlobStore
from tests.fakes.memory_store import MemoryStore

RETRY_SECONDS = 30.0
ANSWER_SECONDS = 120.0
HEAD = "POST {path} HTTP/1.1\r\nHost: c\r\nContent-Length: {length}\r\n\r\n"


class Caller:
    """One simulated station with a real key and a real certificate."""

    def __init__(self, authority_signer: Ed25519Signer, code: str) -> None:
        now = now_ms()
        one_use, own = Ed25519Signer(new_seed()), Ed25519Signer(new_seed())
        chance = SystemChance()
        voucher = authority.make_voucher(
            authority_signer, code, now, one_use.public_key(), authority.ONLINE, code
        )
        self.core = Core(
            station=code,
            epoch=now,
            incarnation=incarnation(now, chance.bytes(8)),
            root=CENTRAL,
            parent=CENTRAL,
            authority=(authority_signer.public_key(),),
            certificate=authority.make_certificate(voucher, one_use, own.public_key(), bytes(32)),
            signer=own,
            verifier=Ed25519Verifier(),
            chance=chance,
        )
        self.store = MemoryStore()
        self.rounds = Rounds(self.core, self.store, MemoryBlobStore(), now_ms, lambda _: None)
        with self.store.write() as transaction:
            record.open_epoch(self.core, transaction, now, None, 0)

    def act(
        self, body: dict[str, object], *, stream: str | None = None, kind: str = "bench.taken"
    ) -> None:
        """Record one event."""
        with self.store.write() as transaction:
            record.record(
                self.core, transaction, now_ms(), stream=stream, kind=kind, actor="S1",
                added=[self.core.station] if stream is None else [], body=body,
            )  # fmt: skip

    def unsent(self) -> int:
        """Return how many of its events central has not given a receipt for."""
        with self.store.read() as transaction:
            log = record.own_log(self.core, transaction)
        return log.position - log.parent_position


@dataclass
class Tally:
    """What a crowd of calls came to. Units: seconds."""

    rounds: int = 0
    refused: dict[int, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    told_when: int = 0
    """Of those sent away: told when to come back."""


def idle_rounds(callers: list[Caller], port: int, path: str, times: int) -> None:
    """Let each make so many rounds, one caller after the other."""

    async def all_of_them() -> None:
        for _ in range(times):
            for caller in callers:
                status, _, body = await _post(port, path, caller.rounds.begin())
                assert status == 200, status
                caller.rounds.take_answer(body)

    asyncio.run(all_of_them())


async def drain(
    callers: list[Caller], port: int, path: str, *, at_once: int, seconds_max: float
) -> Tally:
    """Let all callers make rounds until nothing of theirs is unsent; honour Retry-After."""
    tally = Tally()
    gate = asyncio.Semaphore(at_once)
    until = time.monotonic() + seconds_max
    await asyncio.gather(*(_one(caller, port, path, gate, until, tally) for caller in callers))
    return tally


async def _one(
    caller: Caller, port: int, path: str, gate: asyncio.Semaphore, until: float, tally: Tally
) -> None:
    first = True
    while (first or caller.unsent()) and time.monotonic() < until:
        async with gate:
            began = time.monotonic()
            status, retry, body = await _post(port, path, caller.rounds.begin())
            tally.waits.append(time.monotonic() - began)
        if status == 200:
            caller.rounds.take_answer(body)
            tally.rounds += 1
            first = False
            continue
        tally.refused[status] = tally.refused.get(status, 0) + 1
        if status == 503:
            caller.rounds.was_busy(int(retry * 1000))
        tally.told_when += status == 503 and retry > 0
        pause = retry if retry else RETRY_SECONDS
        await asyncio.sleep(pause * (0.5 + random.random()))


async def _post(port: int, path: str, body: bytes) -> tuple[int, float, bytes]:
    """Return (status, Retry-After, body); status 0 when nobody answered."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _exchange(port, path, body)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return 0, 1.0, b""


async def _exchange(port: int, path: str, body: bytes) -> tuple[int, float, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(HEAD.format(path=path, length=len(body)).encode() + body)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        length = int(fields.get("content-length", "0"))
        return status, float(fields.get("retry-after", "0")), await reader.readexactly(length)
    finally:
        writer.close()
