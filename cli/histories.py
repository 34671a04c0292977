"""Histories explained: from a file of any origin, or from the server with what belongs to it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import BadInput
from cli.session import say
from insight.history.links import Execution, Links, Place, links, trees
from insight.history.payloads import Question
from insight.history.reader import Events, NotAHistory, ordered, read_histories
from insight.report import Report, report
from insight.tree import join
from runtime.encryption import codec_for
from runtime.opening import opened
from runtime.settings import Settings

MOST = 500
"""Runs of a tree that are fetched; the rest is left out, which is said."""
AT_ONCE = 8
"""Histories fetched at once."""
TELL_EVERY = 2.0
"""Seconds between two lines about progress."""

_MEND = "give a history as JSON, as `temporal workflow show -w ID -o json` writes it"


def from_file(path: Path) -> tuple[Report, ...]:
    """Explain every history in a file; runs that belong together are one report.

    Raises BadInput in one line if there is none.
    """
    return explained(histories_in(path))


def histories_in(path: Path) -> tuple[Events, ...]:
    """Read the events of every history in a file, decrypted if there is a key ring.

    Raises BadInput in one line if there is none, MissingKey.
    """
    codec = codec_for(Settings.from_env(), embedded=True)
    try:
        found = read_histories(path.read_bytes())
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; {_MEND}") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder; name one file in it: {_MEND}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; {_MEND}") from None
    except NotAHistory as error:
        raise BadInput(f"{path}: {error}; {_MEND}") from None
    return tuple(opened(events, codec) for events in found) if codec.ring else found


def explained(histories: Sequence[Events]) -> tuple[Report, ...]:
    """Explain histories, each tree of runs as one report."""
    found = [("", events) for events in histories]
    return tuple(_joined(found, tree) for tree in trees([links(events) for events in histories]))


def _joined(
    found: Sequence[tuple[str, Events]], tree: Sequence[Place], now: datetime | None = None
) -> Report:
    paid: set[Question] = set()
    runs = [found[place.history] for place in tree]
    return join([report(e, case=case, now=now, paid=paid) for case, e in runs], tree)


async def from_case(
    client: Client, handle: WorkflowHandle[Any, Any], now: datetime, most: int = MOST
) -> Report:
    """Explain a case: the chain of runs its run belongs to, and the children of all of them.

    At most so many runs are read. What was left out, or is no longer on the server, is said on
    standard error, as is progress.
    """
    family = await family_of(client, handle, most)
    return family.report(now)


async def family_of(client: Client, handle: WorkflowHandle[Any, Any], most: int = MOST) -> "Family":
    """Fetch the histories of a case: its chain of runs, and the children of all of them."""
    family = Family(client, most)
    telling = asyncio.create_task(family.tell())
    try:
        await family.gather((handle.id, handle.run_id or ""))
    finally:
        telling.cancel()
    family.complain()
    return family


async def fetched(client: Client, case: str, run: str) -> Events:
    """Fetch the events of a run, of the newest if `run` is empty; none if the server has none left.

    A server removes histories when their retention ends, at any moment.
    """
    try:
        return ordered(await client.get_workflow_handle(case, run_id=run or None).fetch_history())
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return ()
        raise


class Family:
    """The runs that belong to one, fetched: itself first, then those its links lead to."""

    def __init__(self, client: Client, most: int) -> None:
        self._client, self._most = client, most
        self._room = asyncio.Semaphore(AT_ONCE)
        self.found: list[tuple[str, Events]] = []
        self.links: list[Links] = []
        self.left_out = self.gone = 0

    def report(self, now: datetime) -> Report:
        """Explain them as one."""
        own = next(t for t in trees(self.links) if any(place.history == 0 for place in t))
        return _joined(self.found, own, now)

    async def gather(self, own: Execution) -> None:
        """Fetch a run and what belongs to it, generation by generation."""
        known, wanted = {own[1]}, [own]
        while wanted:
            now = wanted[: self._most - len(self.found)]
            self.left_out += len(wanted) - len(now)
            wanted = []
            for case, events in await asyncio.gather(*(self._fetch(*one) for one in now)):
                if not events:
                    continue
                told = links(events)
                self.found.append((case, events))
                self.links.append(told)
                known.add(told.run)
                for one in ((case, told.before), (case, told.after), *told.children.values()):
                    if one[1] and one[1] not in known:
                        known.add(one[1])
                        wanted.append(one)

    async def _fetch(self, case: str, run: str) -> tuple[str, Events]:
        """Fetch one run; without events if the server has none, unless it is the first."""
        async with self._room:
            events = await fetched(self._client, case, run)
        if not events and not self.found:
            raise BadInput(f"{case}: the server has no history of it")
        self.gone += not events
        return case, events

    async def tell(self) -> None:
        """Say now and then how far the fetching is."""
        while True:
            await asyncio.sleep(TELL_EVERY)
            say(f"{len(self.found)} runs read ...")

    def complain(self) -> None:
        """Say what the explanation lacks."""
        count = len(self.found)
        if self.left_out:
            say(f"{count} runs explained; {self.left_out} more and what belongs to them left out")
        if self.gone:
            say(f"{count} runs explained; of {self.gone} more the server has no history left")
