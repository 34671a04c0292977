"""How well sources are read: names told apart, lists searched, documents checked.

`.venv/bin/python bench/sources.py [--pairs CSV] [--json]` (about a minute). `--pairs` measures
other pairs of names: columns `schema`, `name1`, `name2`, `is_match`. The data
lie in `../shared/data/dd`.
"""

import argparse
import csv
import json
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from workflows.data.mrz import parse  # noqa: E402
from workflows.data.names.compare import MATCH, compare  # noqa: E402
from workflows.data.names.search import Listed, NameList  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "dd"
SEED = 20261127
SAMPLE = 500
YARDSTICK, RECALL, ALARMS = 0.806, 0.98, 0.005
"""F1 on pairs never seen; the least recall and the most false alarms on lists."""
COLUMNS = {"schema", "name1", "name2", "is_match"}
SURE = 95
"""Score of 100 from which OFAC's own search counts as sure here."""
Pair = Mapping[str, str]


@dataclass(frozen=True)
class Figures:
    """Precision, recall and F1 over `pairs` at the threshold fixed beforehand."""

    pairs: int
    precision: float
    recall: float
    f1: float
    false_alarms: tuple[str, ...]
    misses: tuple[str, ...]


def halves(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Split by the seed: the half the comparison was built on, and the half looked at once."""
    order = list(range(len(pairs)))
    random.Random(SEED).shuffle(order)  # noqa: S311
    middle = len(pairs) // 2
    return [pairs[n] for n in sorted(order[:middle])], [pairs[n] for n in sorted(order[middle:])]


def measured(pairs: Iterable[Pair]) -> Figures:
    """Compare every pair and count what was right."""
    hit, right, alarms, misses = 0, 0, list[str](), list[str]()
    for pair in pairs:
        kind = "Person" if pair["schema"] == "Person" else "Company"
        matched = compare(pair["name1"], pair["name2"], kind).matched
        true = pair["is_match"].strip().lower() == "true"
        told = f"{pair['name1']} | {pair['name2']}"
        hit += matched and true
        right += matched is true
        if matched and not true:
            alarms.append(told)
        if true and not matched:
            misses.append(told)
    precision = hit / (hit + len(alarms) or 1)
    recall = hit / (hit + len(misses) or 1)
    f1 = 2 * hit / (2 * hit + len(alarms) + len(misses) or 1)
    count = right + len(alarms) + len(misses)
    return Figures(count, precision, recall, f1, tuple(alarms), tuple(misses))


# ---- list screening ------------------------------------------------------------------------


@dataclass(frozen=True)
class Screening:
    """How a search of the whole list fared."""

    recall_persons: float
    recall_companies: float
    alias_to_entry: float
    """Aliases found by the entry's primary name alone; many share no word with it."""
    false_alarms: float
    official: float
    """Of the rows OFAC's own search scores from 95 on, how many match here too."""
    missed: tuple[str, ...]
    alarmed: tuple[str, ...]
    official_missed: tuple[str, ...]
    """Rows it is sure of and we see no match in, and the other way round."""
    official_alarmed: tuple[str, ...]


@dataclass(frozen=True)
class Zones:
    """Machine readable zones whose failing check digits were told exactly."""

    right: int
    of: int


def screening() -> Screening:
    """Search 21,000 names of the list for distorted listed names and for clean persons."""
    rows = [r for r in _csv("watchman/ofac_bench/sdn.csv") if len(r) == 12]
    kinds = {r[0]: r[2].strip() for r in rows if r[2].strip() in ("individual", "-0-")}
    aliases = [r for r in _csv("watchman/ofac_bench/alt.csv") if len(r) > 3 and r[0] in kinds]
    names = [(r[0], r[1]) for r in rows if r[0] in kinds] + [(r[0], r[3]) for r in aliases]
    lists = {
        kind: NameList([Listed(e, n) for e, n in names if _kind(kinds[e]) == kind], kind)
        for kind in ("Person", "Company")
    }
    rng = random.Random(SEED)  # noqa: S311
    recall, missed = {}, []
    for kind, listed in lists.items():
        own = [r for r in rows if r[0] in kinds and _kind(kinds[r[0]]) == kind]
        drawn = rng.sample(own, SAMPLE)
        asked = [(r[0], r[1], _distorted(r[1], kind, rng)) for r in drawn]
        lost = [a for a in asked if a[0] not in {f.listed.entry for f in listed.search(a[2])}]
        recall[kind] = 1 - len(lost) / SAMPLE
        missed += [f"{listed_as} asked as {name}" for _, listed_as, name in lost]
    clean = [r["full_name"] for r in _records("yente/negatives_us.csv")]
    alarmed = [
        f"{name}: {best[0].listed.name} {best[0].match.score}"
        for name in clean
        if (best := lists["Person"].search(name))
    ]
    official, official_missed, official_alarmed = _official()
    return Screening(
        recall_persons=recall["Person"],
        recall_companies=recall["Company"],
        alias_to_entry=_aliases(rng.sample(aliases, 2 * SAMPLE), dict(names[::-1]), kinds),
        false_alarms=len(alarmed) / len(clean),
        official=official,
        missed=tuple(missed),
        alarmed=tuple(alarmed),
        official_missed=official_missed,
        official_alarmed=official_alarmed,
    )


def _aliases(drawn: list[list[str]], primary: dict[str, str], kinds: dict[str, str]) -> float:
    matched = (compare(r[3], primary[r[0]], _kind(kinds[r[0]])).matched for r in drawn)
    return sum(matched) / len(drawn)


def _official() -> tuple[float, tuple[str, ...], tuple[str, ...]]:
    """Compare with OFAC's own scores; -1 stands for what its search did not find at all."""
    sure, missed, alarmed = 0, list[str](), list[str]()
    for row in _records("nomenklatura/ofac_fixtures.csv"):
        asked, listed, official = (row[k] for k in ("query_name", "result_name", "ofac_score"))
        ours = max(compare(asked, listed, k).score for k in ("Person", "Company"))
        told = f"{asked} | {listed}: {ours}, official {official}"
        is_sure = float(official) >= SURE
        sure += is_sure
        if is_sure and ours < MATCH:
            missed.append(told)
        if not is_sure and ours >= MATCH:
            alarmed.append(told)
    return 1 - len(missed) / sure, tuple(missed), tuple(alarmed)


def zones() -> Zones:
    """Read the specimens of Doc 9303 and tampered ones; compare the digits that fail."""
    records = json.loads((DATA / "mrz/icao_specimens.json").read_text(encoding="utf-8"))["records"]
    read = [parse(tuple(r["lines"]), date(2026, 11, 20)).failed for r in records]
    right = sum(list(f) == r["failed_checks"] for f, r in zip(read, records, strict=True))
    return Zones(right, len(records))


def _kind(column: str) -> str:
    return "Person" if column == "individual" else "Company"


def _distorted(name: str, kind: str, rng: random.Random) -> str:
    """Write a name as a clerk might: one letter wrong; a person's words in any order."""
    words = name.replace(",", " ").split() if kind == "Person" else name.split()
    long = [n for n, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if long:
        place = rng.choice(long)
        words[place] = _slip(words[place], rng)
    if kind == "Person":
        rng.shuffle(words)
    return " ".join(words)


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    slips: tuple[Callable[[], str], ...] = (
        lambda: word[:at] + word[at + 1 :],
        lambda: word[:at] + rng.choice("aeioulnrst") + word[at + 1 :],
        lambda: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        lambda: word[:at] + word[at] + word[at:],
    )
    return rng.choice(slips)()


def _csv(name: str) -> list[list[str]]:
    with (DATA / name).open(encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.reader(file))


def _records(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- printing ------------------------------------------------------------------------------


def main() -> int:
    """Print the figures; 1 if a gate is not held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, help="a CSV of pairs to measure instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    wanted = parser.parse_args()
    found: dict[str, Figures | Screening | Zones] = {}
    if wanted.pairs:
        if not wanted.pairs.is_file():
            parser.error(f"--pairs {wanted.pairs}: no such file")
        with wanted.pairs.open(encoding="utf-8", newline="") as file:
            pairs = csv.DictReader(file)
            if lacking := sorted(COLUMNS - {*(pairs.fieldnames or ())}):
                parser.error(f"--pairs {wanted.pairs}: no column {', '.join(lacking)}")
            found["pairs"] = measured(pairs)
    elif not DATA.is_dir():
        print(f"{DATA.name}: the test data are not beside this checkout; give --pairs CSV")
        return 2
    else:
        built, blind = halves(_records("nomenklatura/cases.csv"))
        found = {"pairs, built on": measured(built), "pairs, seen once": measured(blind)}
        found["list"] = screening()
        found["documents"] = zones()
    if wanted.json:
        print(json.dumps({k: asdict(v) for k, v in found.items()}, ensure_ascii=False, indent=1))
    else:
        _print(found)
    return 0 if all(_holds(figures) for figures in found.values()) else 1


def _holds(figures: Figures | Screening | Zones) -> bool:
    if isinstance(figures, Figures):
        return figures.f1 > YARDSTICK
    if isinstance(figures, Zones):
        return figures.right == figures.of
    least = min(figures.recall_persons, figures.recall_companies)
    return least >= RECALL and figures.false_alarms <= ALARMS


def _print(found: Mapping[str, Figures | Screening | Zones]) -> None:
    print(f"names match from {MATCH} on, fixed beforehand; yardstick F1 {YARDSTICK}; seed {SEED}")
    print(f"{'':20} {'pairs':>6} {'precision':>9} {'recall':>7} {'F1':>6}")
    for what, f in found.items():
        if isinstance(f, Figures):
            print(f"{what:20} {f.pairs:6} {f.precision:9.3f} {f.recall:7.3f} {f.f1:6.3f}")
    for what, f in found.items():
        if isinstance(f, Screening):
            _print_list(what, f)
        elif isinstance(f, Zones):
            print(f"{what}: check digits of {f.right} of {f.of} zones told exactly")
        else:
            _lines(f"{what}, false alarms", f.false_alarms)
            _lines(f"{what}, misses", f.misses)


def _print_list(what: str, f: Screening) -> None:
    print(f"{what}: gates: recall from {RECALL:.0%}, false alarms to {ALARMS:.1%}")
    print(f"  distorted persons found    {f.recall_persons:.1%} of {SAMPLE}")
    print(f"  distorted companies found  {f.recall_companies:.1%} of {SAMPLE}")
    print(f"  false alarms, clean people {f.false_alarms:.1%} of 1000")
    print(f"  alias by primary name only {f.alias_to_entry:.1%} (no gate)")
    print(f"  official score from {SURE} on  {f.official:.1%} match here (no gate)")
    _lines("distorted names, misses", f.missed)
    _lines("clean people, false alarms", f.alarmed)
    _lines("official rows, misses", f.official_missed)
    _lines("official rows, matches it is not sure of", f.official_alarmed)


def _lines(title: str, lines: Sequence[str]) -> None:
    print(f"{title}: {len(lines)}", *lines, sep="\n    ")


if __name__ == "__main__":
    sys.exit(main())
