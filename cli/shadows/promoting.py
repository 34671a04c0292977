"""Promotion: which candidate the new cases of a process run with, kept in the store."""

from typing import Any

from cli.cases import Start
from cli.errors import BadInput
from cli.processes import ProcessEntry, process
from cli.runs import service
from cli.session import Session, say
from cli.shadows.candidates import candidate
from store.database import Store
from store.promotions import Promotion, Promotions
from workflows.data.common import Record


async def promote(here: Session, name: str, text: str, by: str, reason: str) -> None:
    """Let new cases of a process run with a candidate. Raises BadInput for one that cannot."""
    tried = candidate(text)
    tried.entry(process(name))
    await tried.check_served(here.client)
    async with Store.opened(here.settings.database) as store:
        await Promotions(store, service(here)).promote(name, tried.pinned(), by, reason)
    say(f"new cases of {name} run with {text}; take it back: starter.py shadow demote {name}")


async def demote(here: Session, name: str) -> None:
    """Let new cases of a process run as before. Raises BadInput if no candidate was promoted."""
    async with Store.opened(here.settings.database) as store:
        if not await Promotions(store, service(here)).demote(name):
            raise BadInput(f"no candidate was promoted for {name!r}; `starter.py shadow list`")
    say(f"new cases of {name} run as before; those that run with the candidate go on with it")


async def promoted(
    here: Session, entry: ProcessEntry, given: Record, start: Start
) -> tuple[ProcessEntry, Record, Start]:
    """Say as what a new case runs: as it is, or as its promoted candidate."""
    async with Store.opened(here.settings.database) as store:
        found = await Promotions(store, service(here)).of(entry.name)
    if found is None:
        return entry, given, start
    say(f"{entry.name} runs with {found.candidate}, promoted {found.at:%Y-%m-%d} by {found.by}")
    how = candidate(found.candidate)
    return how.entry(entry), how.given(given), how.start(start)


async def promotions(here: Session) -> list[dict[str, Any]]:
    """List the promotions."""
    async with Store.opened(here.settings.database) as store:
        return [_plain(p) for p in await Promotions(store, service(here)).all()]


def _plain(promotion: Promotion) -> dict[str, Any]:
    return {**vars(promotion), "at": promotion.at.isoformat()}
