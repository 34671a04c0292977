"""Put a question to a role and show what came of it; list the models there are."""

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from temporalio.client import WorkflowFailureError

from cli import answers
from cli.cases import TASK_TIMEOUT
from cli.commands import out
from cli.errors import BadInput, Trouble
from cli.session import Session, say
from insight.report import report
from runtime.catalogue import Catalogue
from runtime.settings import Settings
from store.database import Store
from store.journal import CallRow, Journal
from workflows.calls import MAIN_QUEUE
from workflows.data.question import RoleQuestion, RoleReply
from workflows.errors import reason

LONGEST = 1_000_000
"""Bytes of a file that travels with a question; a message of Temporal holds 2 MB."""


def question(
    catalogue: Catalogue, role: str, text: str, file: Path | None, system: str, model: str
) -> RoleQuestion:
    """Make the question. Raises BadInput before anything is started."""
    if role not in catalogue.roles:
        raise BadInput(f"there is no role {role!r}; use one of {', '.join(catalogue.roles)}")
    if not text.strip():
        raise BadInput("the question is empty; write what to ask")
    target = None
    if model:
        if model not in catalogue.models:
            known = ", ".join(sorted(catalogue.models))
            raise BadInput(f"there is no model {model!r}; use one of {known}")
        target = catalogue.ref(model)
        if target.vendor not in catalogue.vendors_in_use:
            raise BadInput(
                f"no worker serves {target.queue}: add {model!r} to a role of the catalogue"
            )
    context = _read(file) if file else ""
    return RoleQuestion(role=role, question=text, context=context, system=system, target=target)


def _read(file: Path) -> str:
    try:
        raw = file.read_bytes()
        if len(raw) > LONGEST:
            raise BadInput(
                f"{file}: has {len(raw)} bytes, at most {LONGEST} travel with a question"
            )
        return raw.decode()
    except OSError as trouble:
        raise BadInput(f"{file}: cannot be read ({trouble.strerror})") from trouble
    except UnicodeDecodeError as wrong:
        raise BadInput(f"{file}: is not text in UTF-8") from wrong


async def put(
    here: Session, asked: RoleQuestion, *, as_json: bool, queue: str = MAIN_QUEUE
) -> None:
    """Ask, wait, and show the answer with all that was tried. Raises Trouble if there is none."""
    handle = await here.client.start_workflow(
        "ask",
        asked,
        id=f"ask-{asked.role}-{secrets.token_hex(3)}",
        task_queue=queue,
        task_timeout=TASK_TIMEOUT,
        static_summary="one question",
    )
    page = here.page(handle.id)
    say(f"asking {asked.role} as {handle.id}{f'; in the UI: {page}' if page else ''}")
    reply, why = None, ""
    try:
        reply = RoleReply.model_validate(await handle.result())
    except WorkflowFailureError as error:
        why = reason(error.cause)
    known = report(await handle.fetch_history(), case=handle.id, now=datetime.now(UTC))
    seen = answers.Seen(
        id=handle.id,
        role=asked.role,
        reply=reply,
        why=why,
        report=known,
        sends=tuple(await _sends(here.settings, handle.id)),
    )
    if as_json:
        out(answers.plain(seen))
    else:
        Console().print(answers.shown(seen, here.settings.models))
    if reply is None:
        raise Trouble(why)


async def _sends(settings: Settings, scope: str) -> list[CallRow]:
    """Read from the store what was sent; nothing for a service whose store is elsewhere."""
    if not settings.has_store:
        return []
    async with Store.opened(settings.database) as store:
        return await Journal(store).calls(scope)


def list_models(settings: Settings, *, as_json: bool) -> None:
    """Show the catalogue as it is today."""
    lines = [_line(settings, model) for model in settings.models.models]
    if as_json:
        out(lines)
        return
    Console(file=sys.stdout).print(answers.catalogue(lines, settings.models.roles))


def _line(settings: Settings, model: str) -> dict[str, Any]:
    catalogue, day = settings.models, datetime.now(UTC).date()
    price, facts = catalogue.price(model, day), catalogue.facts(model, day)
    return {
        "model": model,
        "vendor": facts.target.vendor,
        "live": settings.is_live(facts.target.vendor),
        "price": price.model_dump(mode="json") if price else None,
        "window": facts.window or None,
        "max_output": facts.max_output or None,
        "p95": facts.p95,
        "quality": facts.quality,
        "roles": list(catalogue.roles_of(model)),
    }
