"""What `plan` is asked for: how many cases there are, what an hour is worth, how many runs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.errors import BadInput
from cli.yaml_files import YamlFile
from insight.plan.savings import Volume

_VOLUME = re.compile(r"(\d{1,9}(?:[.]\d{1,3})?)\s*(?:/\s*|per\s+)(day|week|month|year)")
_A_YEAR = {"week": 52.0, "month": 12.0, "year": 1.0}


@dataclass(frozen=True)
class Wishes:
    """The words of the command line; `days` a year."""

    volume: str
    volumes: Path | None
    hourly: float | None
    days: float
    runs: int
    seed: int

    def of_one(self) -> Volume | None:
        """Give the volume of the one blueprint; None if none was said. Raises BadInput."""
        if self.volumes:
            raise BadInput("--volumes is of a folder; for one blueprint say --volume 500/day")
        return self._volume(self.volume, "--volume") if self.volume else None

    def of_each(self) -> Mapping[str, Volume]:
        """Give the volumes of a folder's processes: of those the file names. Raises BadInput."""
        if self.volume:
            raise BadInput("--volume is of one blueprint; for a folder give --volumes FILE")
        if self.volumes is None:
            return {}
        path, file = self.volumes, YamlFile(self.volumes, examples="docs/plan.md")
        if not isinstance(file.data, dict):
            raise BadInput(f"{path}:1: write a line for each process, as `quiz: 500/day`")
        return {
            str(name): self._volume(str(text), f"{path}:{file.line([name])}: {name}")
            for name, text in file.data.items()
        }

    def _volume(self, text: str, where: str) -> Volume:
        found = _VOLUME.fullmatch(text.strip())
        if found is None:
            raise BadInput(f"{where} {text!r}: write how many cases, as 500/day or 20/week")
        a_day = float(found[1]) * _A_YEAR.get(found[2], self.days) / self.days
        return Volume(a_day=a_day, hourly=self.hourly, days=self.days)
