"""Measure the limits: two worker processes, one store, a simulated vendor that refuses too much.

`.venv/bin/python -m bench.limits` (about four minutes) prints a table, `--json` an object. Each
case keeps calls waiting in both processes for `--seconds`; what the vendor accepted is compared
with its limit, and what it refused (429) is counted.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime.processes import die_with_parent
from runtime.settings import ROOT
from store.admission import Admission
from store.database import Store
from store.fairness import Need
from workflows.data.limits import Limits

MODEL = "gpt-6.1-terra"
PROCESSES = 2
SPEED = 100.0
READY = b"ready\n"
BODY = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Is this supplier sound?"}],
    "stream": True,
}


@dataclass(frozen=True)
class Case:
    """A vendor that allows `requests` in `per` seconds, counted as `kind`; Braid knows it.

    `halved`: the vendor halves it, silently, after a quarter of the time. `tenants` are weights;
    each keeps `backlog` calls waiting in each process.
    """

    name: str
    kind: str
    requests: int
    per: float
    halved: bool = False
    tenants: tuple[tuple[str, float], ...] = (("", 1.0),)
    backlog: int = 40


CASES = (
    Case("50 a second, token bucket", "bucket", 50, 1.0),
    Case("50 a second, sliding window", "window", 50, 1.0),
    Case("3,500 a minute, token bucket", "bucket", 3500, 60.0),
    Case("3,500 a minute, sliding window", "window", 3500, 60.0),
    Case("50 a second, silently halved, bucket", "bucket", 50, 1.0, halved=True),
    Case("50 a second, silently halved, window", "window", 50, 1.0, halved=True),
    Case("50 a second, tenants 3:1", "bucket", 50, 1.0, tenants=(("a", 3.0), ("b", 1.0))),
)

Sent = tuple[float, int, str, float]
"""One request: when sent (seconds since the epoch), HTTP status, tenant, seconds waited."""


@dataclass(frozen=True)
class Measured:
    """What a case came to. `used` and `refused_share` are counted after a halving only."""

    name: str
    accepted: int
    per_second: float
    used: float
    refused: int
    refused_share: float
    wait_p50: float
    tenants: dict[str, int]


async def measure(case: Case, seconds: float) -> Measured:
    """Run one case."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'store.db'}"
        await (await Store.open(url)).close()
        simulator, address = await _simulator(_limit(case, case.requests))
        children = [await _worker(case, url, address, seconds) for _ in range(PROCESSES)]
        begin = await _begun(children)
        changed = begin
        if case.halved:
            changed = begin + seconds / 4
            await asyncio.sleep(changed - time.time())
            async with httpx.AsyncClient(trust_env=False) as client:
                new = [_limit(case, case.requests // 2)]
                (await client.put(f"{address}/_simulator/limits", json=new)).raise_for_status()
        outputs = [(await child.communicate())[0] for child in children]
        simulator.terminate()
        await simulator.wait()
    sent = sorted(tuple(one) for output in outputs for one in json.loads(output))
    return _judged(case, [one for one in sent if one[0] >= changed], begin + seconds - changed)


def _judged(case: Case, sent: Sequence[Sent], seconds: float) -> Measured:
    accepted = [one for one in sent if one[1] == 200]
    refused = sum(status == 429 for _, status, _, _ in sent)
    assert len(accepted) + refused == len(sent), Counter(one[1] for one in sent)
    limit = case.requests / case.per / (2 if case.halved else 1)
    return Measured(
        name=case.name,
        accepted=len(accepted),
        per_second=len(accepted) / seconds,
        used=len(accepted) / seconds / limit,
        refused=refused,
        refused_share=refused / max(1, len(sent)),
        wait_p50=median(one[3] for one in accepted),
        tenants=dict(Counter(one[2] for one in accepted)),
    )


def _limit(case: Case, requests: int) -> dict[str, Any]:
    return {"service": "openai", "requests": requests, "per": case.per, "kind": case.kind}


async def _simulator(limit: dict[str, Any]) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--die-with-parent", "--speed", str(SPEED)),
        *("--limits", json.dumps([limit])),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())["simulator"]


async def _worker(case: Case, url: str, address: str, seconds: float) -> asyncio.subprocess.Process:
    given = json.dumps({"url": url, "address": address, "seconds": seconds})
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.limits", "--work", given, "--case", case.name),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def _begun(children: Sequence[asyncio.subprocess.Process]) -> float:
    """Wait until all are ready, and let them begin together; give when that is."""
    for child in children:
        assert child.stdout is not None
        assert await child.stdout.readline() == READY
    begin = time.time() + 1.0
    for child in children:
        assert child.stdin is not None
        child.stdin.write(f"{begin}\n".encode())
        await child.stdin.drain()
    return begin


# ---- in a worker process ---------------------------------------------------------------------


async def work(case: Case, url: str, address: str, seconds: float) -> list[Sent]:
    """Say READY, read when to begin, and keep calls waiting until the time is over; give those
    that were sent.
    """
    store = await Store.open(url)
    known = Limits(requests=case.requests, per=case.per)
    admission = Admission(store, lambda _, model: Limits() if model else known, "bench")
    sent: list[Sent] = []
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as client:
        sys.stdout.buffer.write(READY)
        sys.stdout.flush()
        begin = float(await asyncio.to_thread(sys.stdin.readline))
        await asyncio.sleep(begin - time.time())
        callers = [
            asyncio.create_task(_call_on(admission, client, Need("openai", MODEL, 0, *who), sent))
            for who in case.tenants
            for _ in range(case.backlog)
        ]
        await asyncio.sleep(begin + seconds - time.time())
        for caller in callers:
            caller.cancel()
        ended = await asyncio.gather(*callers, return_exceptions=True)
    await admission.close()
    await store.close()
    if wrong := [e for e in ended if not isinstance(e, asyncio.CancelledError)]:
        raise AssertionError(f"a caller failed: {wrong[0]!r}")
    return [one for one in sent if one[0] < begin + seconds]


async def _call_on(
    admission: Admission, client: httpx.AsyncClient, need: Need, sent: list[Sent]
) -> None:
    async def take(_connection: AsyncConnection) -> tuple[bool, None]:
        return True, None

    while True:
        permit, _ = await admission.enter(need, take)
        assert permit is not None
        limited, wait = False, None
        try:
            at = time.time()
            async with client.stream("POST", "/openai/v1/chat/completions", json=BODY) as answer:
                permit.accepted()
                sent.append((at, answer.status_code, need.tenant, permit.waited))
                limited, wait = answer.status_code == 429, _wait(answer)
                await answer.aread()
        finally:
            await permit.close(limited=limited, wait=wait)


def _wait(answer: httpx.Response) -> timedelta | None:
    if answer.status_code != 429:
        return None
    if exact := answer.headers.get("retry-after-ms"):
        return timedelta(milliseconds=float(exact))
    return timedelta(seconds=float(answer.headers.get("retry-after", 0)))


# ---- the command line ------------------------------------------------------------------------


async def measure_all(seconds: float, cases: Sequence[Case] = CASES) -> list[Measured]:
    """Run the cases one after another."""
    return [await measure(case, seconds) for case in cases]


def table(found: Sequence[Measured]) -> Table:
    """Draw what was measured."""
    shown = Table("case", "accepted/s", "of the limit", "429s", "share", "wait p50", "tenants")
    for one in found:
        shares = ", ".join(f"{name or '-'} {n}" for name, n in sorted(one.tenants.items()))
        shown.add_row(
            *(one.name, f"{one.per_second:.1f}", f"{one.used:.1%}", str(one.refused)),
            *(f"{one.refused_share:.2%}", f"{one.wait_p50:.2f} s", shares),
        )
    return shown


def main() -> None:
    """Measure, or be one of the processes measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each case")
    parser.add_argument("--case", default="", help="only those whose name contains this")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    cases = [case for case in CASES if options.case in case.name]
    if options.work:
        die_with_parent()
        print(json.dumps(asyncio.run(work(cases[0], **json.loads(options.work)))))
        return
    found = asyncio.run(measure_all(options.seconds, cases))
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        Console().print(table(found))


if __name__ == "__main__":
    main()
