"""`decide`: one person's decision, signed where the case wants that; a refusal is kept."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import AsJson, Case, Profile, in_session, out

app = typer.Typer()
REVIEW = "review"
"""The gate of a case's customer, order or text: what most decisions are about."""


@app.command()
def decide(
    case: Case,
    verdict: Annotated[str, typer.Argument(help="approve, retry ...: see the open gate")],
    by: Annotated[str, typer.Option("--as", help="who decides, by the name in the case file")],
    condition: Annotated[list[str] | None, typer.Option(help="as LIMIT=10000; repeatable")] = None,
    comment: Annotated[str, typer.Option(help="kept in the decision record")] = "",
    gate: Annotated[str, typer.Option(help="which gate; else `review`, or the only one open")] = "",
    value: Annotated[str, typer.Option(help="what is supplied: JSON, or @FILE")] = "",
    stands_for: Annotated[
        str | None, typer.Option("--for", help="in whose seat a deputy decides")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="private key to sign with; else one kept for you"),
    ] = None,
    role: Annotated[str, typer.Option(help="the one role you sign in; else all you have")] = "",
    token: Annotated[str | None, typer.Option(help="signed elsewhere")] = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Decide about the customer (not about the proposal), or about a step, at an open gate.

    Of a customer: approve, decline, refer, or more (another round of evidence). Of a step: retry,
    skip, supply (its result as --value), or done (by hand). `status` shows what a gate takes.
    """
    from cli import cases, running, signing
    from runtime.settings import Settings

    given = running.message(value, "value") if value else None
    words = (verdict, by, condition or [], comment, gate or REVIEW, token)
    said = cases.decision(*words, value=given, stands_for=stands_for)
    file = None if token else signing.chosen(Settings.from_env(), by, key)
    private = signing.read(file) if file else None  # before anything is started

    async def work(here: Any) -> None:
        handle = await here.handle(case)
        sent = await _meant(handle, said, private, role, named=bool(gate))
        await _send(here, handle, sent, as_json=as_json)

    in_session(work, profile=profile)


async def _meant(handle: Any, said: Any, private: Any, role: str, *, named: bool) -> Any:
    """Say which gate a decision is for, and sign it if there is a key. Raises BadInput."""
    from cli import cases
    from workflows.data.common import GateView

    gates = await cases.ask(handle, "open_gates", list[GateView])
    meant = said if named else said.model_copy(update={"gate": which(handle.id, gates)})
    return meant if private is None else _signed(handle.id, gates, meant, private, role)


def which(case: str, gates: Sequence[Any]) -> str:
    """Name the gate that is meant where none is named. Raises BadInput where several may be."""
    from cli.errors import BadInput

    names: list[str] = [gate.name for gate in gates]
    if REVIEW in names or not names:
        return REVIEW
    if len(names) > 1:
        raise BadInput(f"{case} has {len(names)} open gates; say --gate {' or '.join(names)}")
    return names[0]


def _signed(case: str, gates: Sequence[Any], said: Any, private: Any, role: str) -> Any:
    """Sign for the gate as it stands open; where none of that name does, the case says so."""
    from cli import signing
    from workflows.data.deciders import ANY_ROLE

    gate = next((g for g in gates if g.name == said.gate and g.signed), None)
    if gate is None:
        return said
    return signing.signed(said, case, gate, private, role or ANY_ROLE, datetime.now(UTC))


async def _send(here: Any, handle: Any, said: Any, *, as_json: bool) -> None:
    """Send a decision and say what it came to; keep a refusal in the store's audit."""
    from cli import cases
    from cli.errors import NotCounted
    from cli.session import say
    from store.attempts import Attempts
    from store.database import Store
    from store.errors import StoreError

    try:
        answer = await cases.decide(handle, said)
    except NotCounted as no:
        try:
            async with Store.opened(here.settings.database) as store:
                await Attempts(store).refused(handle.id, said, str(no))
        except StoreError as trouble:
            raise NotCounted(f"{no}; nor could that be kept: {trouble}") from trouble
        raise
    if as_json:
        out({"case": handle.id, **answer.model_dump(mode="json"), "signed": answer.signed})
        return
    still = f"still needed: {' and '.join(answer.still_needed)}"
    what = f"gate {answer.gate} is settled" if answer.settled else still
    seat = f" for {answer.stands_for}" if answer.stands_for else ""
    proof = "signed" if answer.signed else "unsigned: the case names no keys"
    say(f"{handle.id}: {said.verdict} by {said.by}{seat} counted ({proof}); {what}")
