"""Answers to questions without rules that look like a model's: words of the text, a confidence, a
choice the text speaks for, and one element for each item asked about.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from simulator.brain.extract import extract
from simulator.brain.labels import answered
from simulator.brain.minimal import Filler
from simulator.chance import unit

SHARES = ("confidence", "certainty", "probability", "score")
ANSWERS = ("answer", "result", "total")
_ITEMS = re.compile(r"^ITEMS:\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Plausible(Filler):
    """Fills in for one model. The draws depend on seed, model, sample and `told`, so an item gets
    the same answer among others and alone. `error_rate` is the share of wrong choices.
    """

    told: str
    model: str
    sample: str
    seed: int
    error_rate: float
    identity: str = ""

    def text(self, name: str) -> str:
        """Give words of the text; the item's id; the answer of a question of the bank."""
        if name == "id":
            return self.identity
        said = answered(self.seed, self.told, self.model) if name in ANSWERS else None
        if said is None and (line := re.search(_line(name), self.told)):
            return line[1]
        return str(said.answer) if said else extract(self.told)

    def number(self, name: str) -> float | None:
        """Give the number of the line `name: ...` of the text."""
        line = re.search(_line(name), self.told)
        found = re.search(r"\d[\d,]*(\.\d+)?", line[1]) if line else None
        return float(found[0].replace(",", "")) if found else None

    def truth(self, name: str) -> bool:  # noqa: ARG002
        """Agree; when it errs, not."""
        return not self._errs()

    def share(self, name: str) -> float | None:
        """Give how sure the model says it is: less so when it errs, on the whole."""
        if name not in SHARES:
            return None
        if said := answered(self.seed, self.told, self.model):
            return said.confidence
        draw = self._draw("share", name)
        return round(0.45 + 0.4 * draw if self._errs() else 0.7 + 0.29 * draw, 2)

    def choice(self, name: str, options: Sequence[JsonValue]) -> JsonValue:
        """Choose what the text names most often, else the first; when it errs, another one."""
        best = max(options, key=self._named)
        if self._errs() and len(options) > 1:
            others = [option for option in options if option != best]
            return others[int(self._draw("other", name) * len(others))]
        return best

    def parts(self, name: str) -> Sequence[Filler] | None:
        """Give a filler for each item the prompt lists."""
        if name != "items":
            return None
        found = _items(self.told)
        if found is None:
            return None
        return [replace(self, told=text, identity=identity) for identity, text in found]

    def _errs(self) -> bool:
        return self._draw("errs") < self.error_rate

    def _draw(self, *what: str) -> float:
        return unit(self.seed, self.model, self.sample, self.told, *what)

    def _named(self, option: JsonValue) -> int:
        word = str(option).replace("_", " ").lower()
        return len(re.findall(rf"\b{re.escape(word)}\b", self.told.lower()))


def _line(name: str) -> str:
    """Write the pattern of a line that says a field: its name, a colon, its value."""
    return rf"(?im)^[ \t]*{re.escape(name).replace('_', '[ _-]')}[ \t]*:[ \t]*(\S.*?)[ \t]*$"


def _items(told: str) -> list[tuple[str, str]] | None:
    """Read the list of items below the line `ITEMS:`: ids with their texts."""
    marks = list(_ITEMS.finditer(told))
    if not marks:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(told, marks[-1].end() + 1)
    except ValueError:
        return None
    items = found if isinstance(found, list) else []
    return [
        (str(i["id"]), str(i.get("text", ""))) for i in items if isinstance(i, dict) and "id" in i
    ]
