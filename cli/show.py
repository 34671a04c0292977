"""How a case looks to a person: status, gates, decision record, explanation."""

import json
from collections.abc import Iterable, Sequence
from shlex import quote

from pydantic_core import to_jsonable_python
from rich.console import Group, RenderableType
from rich.json import JSON
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from insight.shown.words import length
from workflows.data.common import (
    BranchState,
    BranchView,
    CostView,
    Decision,
    GateView,
    Record,
    StatusView,
    Verdict,
)
from workflows.data.decision import CaseSoFar, DecisionRecord
from workflows.data.findings import CheckOutcome, Evidence

_OUTCOME_STYLE = {
    "approve": "bold green",
    "approve_with_conditions": "bold green",
    "decline": "bold red",
    "refer": "bold yellow",
}
_CHECK_STYLE = {
    CheckOutcome.CLEAR: "green",
    CheckOutcome.FINDING: "red",
    CheckOutcome.INCONCLUSIVE: "yellow",
    CheckOutcome.UNAVAILABLE: "yellow",
    CheckOutcome.NOT_APPLICABLE: "dim",
}
_WORST = (
    CheckOutcome.FINDING,
    CheckOutcome.UNAVAILABLE,
    CheckOutcome.INCONCLUSIVE,
    CheckOutcome.CLEAR,
    CheckOutcome.NOT_APPLICABLE,
)
"""What is told of several checks in a line: the first of these there is."""
_BRANCH_STYLE = {
    BranchState.SUCCEEDED: "green",
    BranchState.FAILED: "red",
    BranchState.DEFAULTED: "yellow",
    BranchState.CANCELLED: "dim",
}


def status(
    case: str,
    now: StatusView,
    branches: Sequence[BranchView],
    gates: Sequence[GateView],
    cost: CostView,
) -> RenderableType:
    """Show where a case stands, and at an open gate, who may decide and how."""
    head = Text(f"{case}  {now.phase}", style="bold")
    if now.outcome:
        head.append(f"  {now.outcome}", style=_OUTCOME_STYLE.get(now.outcome, ""))
    table = Table(box=None, pad_edge=False)
    for column in ("branch", "state", "took", "note"):
        table.add_column(column, overflow="fold")
    for b in branches:
        took = length(b.ended - b.started) if b.started and b.ended else ""
        state = Text(b.state, style=_BRANCH_STYLE.get(b.state, "cyan"))
        table.add_row(b.name, state, took, Text(b.note))
    spent = Text(f"{cost.calls} model calls, {cost.usd:.4f} US$", style="dim")
    return Group(head, table, *(gate(case, g) for g in gates), spent)


def gate(case: str, view: GateView) -> RenderableType:
    """Show an open gate and the command that answers it."""
    people = ", ".join(view.may_decide) or "nobody left"
    text = Text()
    proposal = f"  proposal: {view.proposal}" if view.proposal else ""
    text.append(f"{view.question}{proposal}\n")
    text.append(f"needed: {', '.join(view.needs)}; may decide: {people}; ")
    text.append(f"until {view.deadline:%Y-%m-%d %H:%M} UTC\n")
    for told in view.escalations:
        text.append(f"asked besides since {told.at:%Y-%m-%d %H:%M} UTC: {', '.join(told.to)}\n")
    for of, names in view.deputies.items():
        text.append(f"for {of} may decide: {', '.join(names)}\n")
    for verdict, schema in (("supply", view.supplies), ("more", view.asks)):
        if isinstance(schema, dict) and isinstance(parts := schema.get("properties"), dict):
            fields = ", ".join(parts)
            text.append(f"the value of {verdict} has: {fields} (its schema: status --json)\n")
    if view.suggested is not None:
        text.append(f"a draft of it: {json.dumps(view.suggested)}\n")
    text.append(f"starter.py decide {_answer(case, view)}", style="bold")
    return Panel(text, title=f"gate {view.name}", title_align="left", expand=False)


def _answer(case: str, view: GateView) -> str:
    """Write the words of the command that answers a gate."""
    who = quote(view.may_decide[0]) if view.may_decide else "NAME"
    named = "" if view.name == "review" else f" --gate {quote(view.name)}"
    value = " --value JSON" if Verdict.SUPPLY in view.verdicts else ""
    key = " --key FILE" if view.signed else ""
    return f"{case} {'|'.join(view.verdicts)} --as {who}{named}{value}{key}"


def result(record: object) -> RenderableType:
    """Show what a workflow ended with: in words where it has some, else as JSON."""
    if isinstance(record, DecisionRecord):
        return decision(record)
    from cli.results import shown  # with the records of every process

    return shown(record) or JSON(json.dumps(to_jsonable_python(record)))


def so_far(record: Record) -> RenderableType | None:
    """Show what is known before the end, None for nothing that `status` has not shown."""
    if isinstance(record, CaseSoFar):
        return decision(record.decision) if record.decision else None
    if isinstance(record, StatusView):
        return None
    from cli.results import shown

    return shown(record) or JSON(record.model_dump_json())


def decision(record: DecisionRecord) -> RenderableType:
    """Show a decision record: outcome, checks, reasons, cited claims, evidence."""
    head = Text(f"{record.case}: ", style="bold")
    head.append(record.outcome, style=_OUTCOME_STYLE[record.outcome])
    said = "; ".join(f"{c.code}={c.value}" for c in record.conditions)
    who = _people(record.decided_by) or "nobody in time"
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("tier", f"{record.tier}, confidence {record.confidence:.2f}"),
        ("route", f"{record.routing.route} ({record.routing.why})"),
        ("decided by", who),
        ("earlier", _people(record.earlier)),
        ("conditions", said),
        ("onboarding", record.onboarding.replace("_", " ")),
        ("open tasks", "; ".join(record.open_tasks)),
        ("cost", f"{record.usd:.4f} US$"),
    ):
        if value:
            facts.add_row(Text(name, style="dim"), Text(value))
    return Group(head, facts, _checks(record), _list("reasons", record.reasons), _claims(record))


def _people(decisions: Iterable[Decision]) -> str:
    """Say who decided what, deputies with whom they stand for."""
    seats = ((d, f" for {d.stands_for}" if d.stands_for else "") for d in decisions)
    return ", ".join(f"{d.by}{seat} ({d.verdict})" for d, seat in seats)


def _checks(record: DecisionRecord) -> RenderableType:
    """Show each check of the customer in a line, and each party in one; ids are in the dossier."""
    table = Table(box=None, pad_edge=False, title="checks", title_justify="left")
    of = {p.party_id: p.name for p in record.parties}
    for column in ("check", "outcome", "confidence", "fallback", "evidence"):
        table.add_column(column, overflow="fold")
    for check in (c for c in record.checks if c.party_id not in of):
        table.add_row(
            check.check,
            Text(check.outcome, style=_CHECK_STYLE[check.outcome]),
            f"{check.confidence:.2f}",
            check.fallback,
            _evidence(check.evidence),
        )
    for party_id, name in of.items():
        about = [c for c in record.checks if c.party_id == party_id]
        worst = min(about, key=lambda c: _WORST.index(c.outcome), default=None)
        if worst is not None:
            table.add_row(
                Text(f"all {len(about)} of {name}"),
                Text(worst.outcome, style=_CHECK_STYLE[worst.outcome]),
                f"{min(c.confidence for c in about):.2f}",
                ", ".join(sorted({c.fallback for c in about if c.fallback})),
                f"{sum(len(c.evidence) for c in about)} records",
            )
    return table


def _evidence(items: Iterable[Evidence]) -> Text:
    """Say how many records there are and whose, and how far they can be trusted."""
    seen = list(items)
    sources = ", ".join(dict.fromkeys(e.source for e in seen))
    how = ", ".join(dict.fromkeys(e.liveness for e in seen))
    return Text(f"{len(seen)} of {sources} ({how})" if seen else "")


def _claims(record: DecisionRecord) -> RenderableType:
    said = record.narrative
    simulated = ", simulated" if said.simulated else ""
    title = f"synthesis by {said.model or 'rules'}{simulated}"
    lines = [f"{c.text} [{', '.join(c.cites)}]" for c in said.claims]
    lines += [f"dropped, {c.why}: {c.text}" for c in said.dropped]
    return _list(title, lines)


def _list(title: str, lines: Sequence[str]) -> RenderableType:
    text = Text(f"{title}\n", style="italic")
    for line in lines or ("none",):
        text.append(f"  - {line}\n", style="not italic")
    text.rstrip()
    return text
