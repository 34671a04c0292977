"""Read a blueprint from YAML, so that all that is said about it names file, line and column."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from cli.errors import BadInput
from cli.inputs import causes_of
from cli.yaml_files import Loc, YamlFile
from workflows.data.blueprints.blueprint import Blueprint, Step

EXAMPLES = "blueprints/"
_LENGTHS = ("P5D or PT30M", "90s, 4h or 2d")
"""How lengths of time are written in blueprints, instead of in case files."""
_TEXTS = "write it in quotes, as '2026'"


@dataclass(frozen=True)
class Source:
    """A blueprint and the file it was read from."""

    blueprint: Blueprint
    file: YamlFile

    def place(self, loc: Sequence[int | str], line: int = 1) -> str:
        """Give `file:line:column` of a field, or of a line (from 1) of the text it holds."""
        row, column = self.file.place(loc, line)
        return f"{self.file.path}:{row}:{column}"


def read_blueprint(path: Path) -> Source:
    """Read and check the form of a blueprint. Raises BadInput with one line per mend.

    What its templates say is the audit's to judge: see `insight/plan/audit`.
    """
    file = YamlFile(path, examples=EXAMPLES, numbers=True)
    if not isinstance(file.data, dict):
        said = f"this is no blueprint; it begins with `name: NAME`, see {EXAMPLES}"
        raise BadInput(f"{path}:1:1: {said}")
    try:
        return Source(Blueprint.model_validate(file.data), file)
    except ValidationError as error:
        raise BadInput("\n".join(_lines(file, error))) from error


def _lines(file: YamlFile, error: ValidationError) -> list[str]:
    strange = {
        tuple(e["loc"]) for e in error.errors(include_url=False) if e["type"] == "extra_forbidden"
    }
    lines = []
    for loc, said in causes_of(error, whole="blueprint"):
        row, column = file.place(loc)
        said = said.replace(*_LENGTHS)
        mend = _meant(loc) if tuple(loc) in strange else ""
        if "valid string" in said and mend == "":
            mend = f"; {_TEXTS}"
        lines.append(f"{file.path}:{row}:{column}: {said}{mend}")
    return lines


def _meant(loc: Loc) -> str:
    """Name the field that a misspelt one was probably meant to be."""
    record = Blueprint if len(loc) == 1 else Step if len(loc) == 3 and loc[0] == "steps" else None
    if record is None:
        return ""
    names = [field.alias or name for name, field in record.model_fields.items()]
    close = get_close_matches(str(loc[-1]), names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(names)}"
