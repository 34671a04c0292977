"""Watches as people meet them: begun or taken up again, followed, listed, shown, stopped."""

import asyncio
import json
import os
import secrets
import socket
from datetime import datetime, timedelta
from typing import Any

from cli.errors import BadInput
from cli.processes import process
from cli.runs import service
from cli.session import Session, say
from cli.shadows.asked import Asked, report
from cli.shadows.beside import carry_on
from cli.shadows.kept import How, standing
from store.clock import utc_now
from store.database import Store
from store.watches import Watch, Watches

FOLLOW_EVERY = 2.0
"""Seconds between two looks of whoever follows a watch."""


async def begin(here: Session, name: str, asked: Asked, share: float, span: timedelta) -> Watch:
    """Begin a watch, or give the open one of this process and candidate."""
    entry, text = process(name), asked.candidate.text
    asked.candidate.entry(entry)
    await asked.candidate.check_served(here.client, asked.queue)
    async with Store.opened(here.settings.database) as store:
        watches = Watches(store, service(here))
        for known in await watches.all():
            if (known.process, known.candidate, known.closed) == (name, text, None):
                say(f"{known.id} goes on until {known.until:%Y-%m-%d %H:%M} UTC, as it was begun")
                return known
        now = store.clock()
        made = Watch(
            *(f"watch-{name}-{secrets.token_hex(3)}", name, text),
            how=How.of(asked, share).model_dump_json(),
            since=now,
            until=now + span,
            held=False,
            closed=None,
        )
        await watches.open(made)
    say(f"{made.id} began; it ends {made.until:%Y-%m-%d %H:%M} UTC")
    return made


async def watch(here: Session, name: str, asked: Asked, share: float, span: timedelta) -> None:
    """Begin a watch, or take it up again, and show it until its end; Ctrl-C leaves it."""
    begun = await begin(here, name, asked, share, span)
    say("Ctrl-C leaves it: a running stack carries it on, as does this command given again")
    carrying = asyncio.create_task(carry_on(here, service(here), holder(), (begun.id,)))
    following = asyncio.create_task(_follow(here, begun, asked))
    try:
        await asyncio.wait({carrying, following}, return_when=asyncio.FIRST_COMPLETED)
        await (following if following.done() else carrying)
    finally:
        for task in (carrying, following):
            task.cancel()
        await asyncio.gather(carrying, following, return_exceptions=True)


async def _follow(here: Session, begun: Watch, asked: Asked) -> None:
    """Tell each case and show each report, until the watch has ended."""
    told: set[str] = set()
    async with Store.opened(here.settings.database) as store:
        watches = Watches(store, service(here))
        reported = len(await watches.reports(begun.id))
        while True:
            now = await _found(watches, begun.id)
            pairs, left_out = await standing(watches, now)
            for pair in pairs:
                if pair.case not in told:
                    say(f"{pair.case}: {'agrees' if pair.agrees else pair.why or 'differs'}")
            told |= {pair.case for pair in pairs} | set(left_out)
            if (count := len(await watches.reports(begun.id))) > reported or now.closed:
                reported = count
                report(pairs, asked)
            if now.closed:
                return
            await asyncio.sleep(FOLLOW_EVERY)


async def _found(watches: Watches, which: str) -> Watch:
    """Find a watch by its id, or the newest of a process. Raises BadInput."""
    named = [w for w in await watches.all() if which in (w.id, w.process)]
    if not named:
        raise BadInput(
            f"there is no watch {which!r}; `starter.py shadow list` shows those there are"
        )
    return named[-1]


async def status(here: Session, which: str, *, as_json: bool) -> None:
    """Show what a watch has come to so far."""
    async with Store.opened(here.settings.database) as store:
        watches = Watches(store, service(here))
        found = await _found(watches, which)
        pairs, left_out = await standing(watches, found)
    how = How.model_validate_json(found.how)
    if not as_json:
        say(_line(found))
        for case, why in left_out.items():
            say(f"{case}: left out: {why}")
    report(pairs, how.asked(found.candidate), as_json=as_json)


async def stop(here: Session, which: str) -> None:
    """End a watch before its time; what was compared stays."""
    async with Store.opened(here.settings.database) as store:
        watches = Watches(store, service(here))
        found = await _found(watches, which)
        await watches.close(found.id)
    say(f"{found.id} has ended; `starter.py shadow status {found.id}` shows what it came to")


async def listed(here: Session) -> list[dict[str, Any]]:
    """List the watches, as JSON can."""
    async with Store.opened(here.settings.database) as store:
        watches = Watches(store, service(here))
        found = []
        for one in await watches.all():
            pairs, left_out = await standing(watches, one)
            reports = await watches.reports(one.id)
            found.append(
                {
                    "watch": one.id,
                    "process": one.process,
                    "candidate": one.candidate,
                    "since": one.since.isoformat(),
                    "until": one.until.isoformat(),
                    "state": "ended" if one.closed else "carried on" if one.held else "waits",
                    "cases": len(pairs),
                    "agree": sum(pair.agrees for pair in pairs),
                    "left_out": len(left_out),
                    "reports": [{"day": r.day, **_word(r.verdict)} for r in reports],
                }
            )
    return found


def _word(verdict: str) -> dict[str, Any]:
    said = json.loads(verdict)
    return {name: said[name] for name in ("word", "cases", "agree")}


def _line(found: Watch) -> str:
    if found.closed:
        return f"{found.id} ended {found.closed:%Y-%m-%d %H:%M} UTC"
    how = "is carried on" if found.held else "waits for a stack, or for its command given again"
    return f"{found.id} {how}; {_days(found, utc_now())}"


def _days(found: Watch, now: datetime) -> str:
    whole, part = found.until - found.since, max(min(now, found.until) - found.since, timedelta(0))
    return f"{part / whole:.0%} of its time is over, until {found.until:%Y-%m-%d %H:%M} UTC"


def holder() -> str:
    """Name this process as one that carries watches."""
    return f"{os.getpid()}@{socket.gethostname()}"
