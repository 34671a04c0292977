"""Promotion: which candidate the new cases of a process run with, kept in the store."""

from dataclasses import replace
from typing import Any

from cli.cases import Start
from cli.errors import BadInput
from cli.processes import ProcessEntry, process
from cli.runs import service
from cli.session import Session, say
from cli.shadows.candidates import candidate
from store.database import Store
from store.promotions import Promotion, Promotions
from workflows.data.blueprints.case import digest
from workflows.data.common import Record
from workflows.data.scheduled import LAST

REVIEWED = "due-diligence"
"""Its decisions set the day on which a customer is screened again."""


async def promote(here: Session, name: str, text: str, by: str, reason: str) -> None:
    """Let new cases of a process run with a candidate. Raises BadInput for one that cannot."""
    entry, tried = process(name), candidate(text)
    runs = tried.runs(entry)
    if runs.blueprint is not None and (LAST in entry.record.model_fields or entry.name == REVIEWED):
        raise BadInput(
            f"--candidate {text}: later cases of {name} go on from its result, and a blueprint's is"
            " another; promote a build or a process"
        )
    await tried.check_served(here.client)
    async with Store.opened(here.settings.database) as store:
        await Promotions(store, service(here)).promote(name, text, runs, by, reason)
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
    """Say as what a new case runs: as it is, or as its promoted candidate. Raises BadInput."""
    found = await of_process(here, entry)
    return (entry, given, start) if found is None else as_promoted(found, given, start)


async def of_process(here: Session, entry: ProcessEntry) -> Promotion | None:
    """Give what was promoted for a process, and say so."""
    async with Store.opened(here.settings.database) as store:
        found = await Promotions(store, service(here)).of(entry.name)
    if found is not None:
        when = f"promoted {found.at:%Y-%m-%d} by {found.by}"
        say(f"{found.process} runs with {found.candidate}, {when}")
    return found


def as_promoted(
    found: Promotion, given: Record, start: Start
) -> tuple[ProcessEntry, Record, Start]:
    """Say as what a new case runs with a candidate. Raises BadInput if it cannot take the input."""
    runs, entry = found.runs, process(found.runs.process)
    how = replace(
        start,
        queue=runs.queue(start.queue),
        grade=runs.grade or start.grade,
        sequential=start.sequential or runs.sequential,
    )
    try:
        return entry, entry.record.model_validate(runs.given(given.model_dump(mode="json"))), how
    except ValueError as wrong:
        raise BadInput(f"{found.candidate}, which was promoted: {wrong}") from wrong


async def promotions(here: Session) -> list[dict[str, Any]]:
    """List the promotions."""
    async with Store.opened(here.settings.database) as store:
        return [_plain(p) for p in await Promotions(store, service(here)).all()]


def _plain(promotion: Promotion) -> dict[str, Any]:
    blueprint = promotion.runs.blueprint
    told = {**vars(promotion), "at": promotion.at.isoformat()}
    del told["runs"]
    return told | ({"sha256": digest(blueprint)} if blueprint is not None else {})
