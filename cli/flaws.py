"""The command on flaws: `flaws` says what is wrong with a blueprint, or with the order of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import AsJson, Profile, in_session, out
from cli.errors import BadInput
from cli.explaining import is_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.blueprints.auditing import Placed

app = typer.Typer()

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE.yaml|HISTORY.json|CASE",
        help="a blueprint; a history of any workflow as JSON; or a case id",
    ),
]


@app.command()
def flaws(target: Target, profile: Profile = None, as_json: AsJson = False) -> None:
    """Say what is wrong with a blueprint, or what ran in turn for no reason in a run.

    Of a blueprint: false order, false independence, loops, conflicts, missing paths
    and more, each with file, line, column and mend. Of a run: what began when another
    had ended, though no data flowed. Files need no server. All codes: docs/flaws.md
    """
    if target.endswith((".yaml", ".yml")):
        from cli.blueprints.auditing import audited
        from cli.blueprints.reading import read_blueprint
        from insight.plan.audit.findings import Offers
        from runtime.settings import Settings

        offers = Offers(roles=frozenset(Settings.from_env().models.roles))
        _show(audited(read_blueprint(Path(target)), offers), as_json=as_json)
    elif is_file(target):
        from cli.blueprints.auditing import audited_runs

        _show(audited_runs(Path("/dev/stdin" if target == "-" else target)), as_json=as_json)
    else:
        in_session(lambda here: _case(here, target, as_json=as_json), profile=profile)


async def _case(here: Any, target: str, *, as_json: bool) -> None:
    from cli.blueprints.auditing import audited_run
    from cli.histories import fetched

    handle = await here.handle(target)
    events = await fetched(here.client, handle.id, handle.run_id or "")
    _show(audited_run(events, handle.id), as_json=as_json)


def _show(found: "Sequence[Placed]", *, as_json: bool) -> None:
    """Print findings. Raises BadInput with the errors, so that scripts notice."""
    from cli.session import say

    errors = [placed for placed in found if placed.is_error]
    if as_json:
        out({"sound": not errors, "findings": [placed.plain() for placed in found]})
    else:
        for placed in found:
            if not placed.is_error:
                typer.echo(placed.line())
        if not found:
            say("nothing found")
    if errors:
        raise BadInput("\n".join(placed.line() for placed in errors))
