"""What a dossier needs, asked of a case: its input, what is known by now, its audit."""

from datetime import UTC, datetime

from cli import cases
from cli.dossier.view import View
from cli.errors import BadInput
from cli.session import Session
from workflows.data.audit import AuditPage, AuditRow
from workflows.data.case_file import CaseFile
from workflows.data.decision import CaseSoFar

PROCESS = "due-diligence"
AUDITED = (PROCESS, "regulatory-submission")
"""Processes that keep an audit."""


async def view_of(here: Session, case: str) -> View:
    """Ask for everything a dossier shows. Raises BadInput for a case of another process."""
    handle = await here.handle(case)
    await _of(handle, PROCESS)
    known = await cases.ask(handle, "result_so_far", CaseSoFar)
    rows, _ = await audit_of(handle)
    return View(handle.id, await _case_file(here, handle), known, rows, datetime.now(UTC))


async def audit_of(handle: cases.Handle) -> tuple[list[AuditRow], str]:
    """Ask for all rows of a case's audit, and for the hash its decision names ("" without one)."""
    process = await _of(handle, *AUDITED)
    rows: list[AuditRow] = []
    while (page := await cases.ask(handle, "audit", AuditPage, len(rows))).rows:
        rows += page.rows
    if process != PROCESS:
        return rows, ""
    known = await cases.ask(handle, "result_so_far", CaseSoFar)
    return rows, known.decision.audit_head if known.decision else ""


async def _of(handle: cases.Handle, *processes: str) -> str:
    entry = await cases.entry_if_ours(handle)
    if entry is None or entry.name not in processes:
        named = " or ".join(processes)
        raise BadInput(f"{handle.id} is no case of {named}; `starter.py list` shows those")
    return entry.name


async def _case_file(here: Session, handle: cases.Handle) -> CaseFile:
    """Read the case file the case was started with, from the first event of its history."""
    async for event in handle.fetch_history_events():
        given = event.workflow_execution_started_event_attributes.input.payloads
        values = await here.client.data_converter.decode(given, [CaseFile])
        if values and isinstance(values[0], CaseFile):
            return values[0]
        break
    raise BadInput(f"{handle.id}: its history does not begin with a case file")
