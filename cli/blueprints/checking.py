"""What is wrong with a blueprint before it runs: its form, its names, and what the audit finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from cli.blueprints.auditing import audited_alone
from cli.blueprints.making import others, run_by, values, wrong_names
from cli.blueprints.reading import Source, read_blueprint
from cli.errors import BadInput
from cli.inputs import mends
from insight.plan.audit.findings import Offers
from runtime.settings import Settings
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.common import JSON


@dataclass(frozen=True)
class Checked:
    """A blueprint, what forbids to run it, and what should be thought about, a line each."""

    source: Source
    errors: tuple[str, ...]
    advice: tuple[str, ...]

    def plain(self) -> dict[str, JSON]:
        """Give it as JSON."""
        return {
            "file": str(self.source.file.path),
            "sound": not self.errors,
            "errors": list(self.errors),
            "advice": list(self.advice),
        }


def checked(path: Path) -> Checked:
    """Look at a blueprint and those it runs. Raises BadInput for a file that is none."""
    source = read_blueprint(path)
    offers = Offers(roles=frozenset(Settings.from_env().models.roles))
    errors, advice = list[str](), list[str]()
    for one in (source, *run_by(source).values()):
        found = audited_alone(one, offers)
        told = tuple(f"{placed.place}:" for placed in found if placed.is_error)
        errors += (said for said in wrong_names(one) if not said.startswith(told))
        for placed in found:
            (errors if placed.is_error else advice).append(placed.line())
    return Checked(source, tuple(dict.fromkeys(errors)), tuple(dict.fromkeys(advice)))


def sound(path: Path) -> Source:
    """Read a blueprint that can be run. Raises BadInput, a line for each mend."""
    found = checked(path)
    if found.errors:
        raise BadInput("\n".join(found.errors))
    return found.source


def case_of(path: Path, given: Sequence[str], name: str = "") -> BlueprintCase:
    """Put a case together. Raises BadInput for blueprint, values or name."""
    source = sound(path)
    blueprint = source.blueprint
    said = values(blueprint, given)
    try:
        return BlueprintCase(
            case=name or blueprint.name, blueprint=blueprint, values=said, others=others(source)
        )
    except ValidationError as error:
        raise BadInput("\n".join(mends(error))) from error
