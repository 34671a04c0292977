"""The commands about a case's record: `dossier` prints it, `audit` checks its chain."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import AsJson, Profile, in_session, out
from cli.errors import BadInput, Trouble
from runtime.settings import Settings

if TYPE_CHECKING:
    from cli.dossier.view import View

app = typer.Typer()
Which = Annotated[str, typer.Argument(metavar="CASE", help="workflow id or case id")]


@app.command()
def dossier(
    case: Which,
    html: Annotated[Path, typer.Option(metavar="OUT.html", help="where to write it")],
    browse: Annotated[bool, typer.Option("--open", help="open it in the browser")] = False,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Write a due diligence case as a report to print: one page, works offline, A4.

    Also of an open case; then it says that it is a draft.
    """

    async def work(here: Any) -> None:
        from cli.dossier.page import page
        from cli.dossier.reading import view_of
        from cli.session import say

        view = await view_of(here, case)
        _write(html, page(view), "--html")
        if as_json:
            out(_told(view, html))
        else:
            say(f"written: {html}")
        if browse:
            _open(html)

    in_session(work, profile=profile)


def _told(view: "View", html: Path) -> dict[str, Any]:
    decision = view.decision
    return {
        "case": view.case_id,
        "html": str(html),
        "outcome": decision and decision.outcome,
        "findings": len(view.findings),
        "gaps": len(view.gaps),
        "evidence": len(view.evidence),
        "audit": view.chain,
    }


def _open(file: Path) -> None:
    import webbrowser

    from cli.session import say

    if not webbrowser.open(file.absolute().as_uri()):
        say("no browser was found here; open that file yourself")


@app.command()
def audit(
    case: Annotated[str, typer.Argument(metavar="CASE", help="workflow id or case id")] = "",
    file: Annotated[Path | None, typer.Option(help="check a file instead of a case")] = None,
    verify: Annotated[bool, typer.Option(help="check the chain; exit code 1 if broken")] = False,
    refusals: Annotated[
        bool, typer.Option(help="decisions refused at this command line, of all cases")
    ] = False,
    head: Annotated[str, typer.Option(help="hash that must be in it (of a decision)")] = "",
    write: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write the rows, one a line")
    ] = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Show or check a case's audit: rows chained by hashes, so that no change goes unseen.

    Of a case it is checked against the hash its decision names. With --refusals it is the store's:
    who was refused what here and at the gateway.
    """
    if sum([bool(case), file is not None, refusals]) != 1:
        raise BadInput("name a case, or a file with --file, or say --refusals; one of them")
    if refusals:
        rows = asyncio.run(_refusals())
        _keep(write, rows)
        _finish("refusals", rows, head, verify=verify, as_json=as_json)
        return
    if file is not None:
        _finish(str(file), _from_file(file), head, verify=verify, as_json=as_json)
        return

    async def work(here: Any) -> None:
        from cli.dossier.reading import audit_of

        handle = await here.handle(case)
        rows, named = await audit_of(handle)
        plain = [row.model_dump(mode="json") for row in rows]
        _keep(write, plain)
        _finish(handle.id, plain, head or named, verify=verify, as_json=as_json)

    in_session(work, profile=profile)


async def _refusals() -> list[dict[str, Any]]:
    from store.attempts import Attempts
    from store.database import Store

    async with Store.opened(Settings.from_env().database) as store:
        return [row.model_dump(mode="json") for row in await Attempts(store).rows()]


def _finish(
    what: str, rows: Sequence[Mapping[str, Any]], head: str, *, verify: bool, as_json: bool
) -> None:
    """Show the rows and the state of their chain. Raises Trouble if asked to and it is broken."""
    from workflows.data.audit import broken

    wrong = broken(rows, head) if verify else None
    if as_json:
        told = wrong.model_dump() if wrong else None
        out({"case": what, "rows": rows, "verified": verify and not wrong, "broken": told})
    elif not verify:
        for row in rows:
            sys.stdout.write(f"{_shown(row)}\n")
    if wrong is not None:
        raise Trouble(f"{what}: the chain is broken at row {wrong.row}: {wrong.why}")
    if verify and not as_json:
        last = rows[-1]["hash"] if rows else "none"
        sys.stdout.write(f"{what}: {len(rows)} rows, the chain is whole; last hash {last}\n")


def _keep(file: Path | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows, one a line, if a file is named."""
    from workflows.data.audit import canonical

    if file is not None:
        _write(file, "".join(f"{canonical(row)}\n" for row in rows), "--out")


def _shown(row: Mapping[str, Any]) -> str:
    change = " -> ".join(str(row[k]) for k in ("before", "after") if row.get(k))
    who = row.get("actor") or {}
    parts = (row.get("seq"), row.get("at"), who.get("id"), row.get("action"), row.get("target"))
    why = f" ({row['reason']})" if row.get("reason") else ""
    return "  ".join(str(part) for part in parts) + f"  {change}{why}"


def _from_file(file: Path) -> list[dict[str, Any]]:
    """Read rows: one JSON object a line, a JSON list, or what `audit --json` writes."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise BadInput(f"--file {file}: cannot be read: {why}") from error
    try:
        told = json.loads(text)
        rows = told.get("rows", [told]) if isinstance(told, dict) else told
    except ValueError:
        rows = [_row(file, n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"--file {file}: holds no rows; `starter.py audit CASE --out FILE` does")
    return rows


def _row(file: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise BadInput(f"--file {file}: line {number} is no JSON ({error})") from error


def _write(file: Path, text: str, option: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{option} {file}: cannot be written: {error.strerror}") from error
