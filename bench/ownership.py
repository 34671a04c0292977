"""Time the arithmetic of ownership: `.venv/bin/python bench/ownership.py [FOLDER]`.

Works out structures of 10,000 parties made here (a chain, a ring, many small holders, woven chains,
a company in which all own each other), and with FOLDER every company of every BODS file in it.
One JSON line each; times are seconds of one run on this machine.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cli.bods import read_file
from workflows.data.registers import Holder, Interest, InterestKind
from workflows.data.sources import Identifier
from workflows.rules.ownership.graph import Graph
from workflows.rules.ownership.structure import structure

SIZE = 10_000
Link = tuple[str, str, float, float]


def made(links: Iterable[Link]) -> Graph:
    """Give a graph of shares: company, holder, per cent at least and at most."""
    graph = Graph()
    for company, owner, low, high in links:
        shares = Interest(kind=InterestKind.SHARES, min_pct=low, max_pct=high)
        graph.add(graph.party(_holder(company)), _holder(owner), [shares])
    return graph


def _holder(name: str) -> Holder:
    kind = "person" if name.startswith("p") else "company"
    identifiers = [Identifier(scheme="X", value=name)]
    return Holder.model_validate({"kind": kind, "name": name, "identifiers": identifiers})


def shapes() -> Iterator[tuple[str, list[Link]]]:
    """Give the structures, the subject being c0."""
    chain: list[Link] = [(f"c{n}", f"c{n + 1}", 99.99, 100) for n in range(SIZE)]
    last = f"c{SIZE}"
    yield "chain", [*chain, (last, "p1", 100, 100)]
    yield "ring", [*chain, (last, "c0", 50, 50), (last, "p1", 50, 50)]
    yield "small holders", [("c0", f"p{n}", 0, 100 / SIZE) for n in range(SIZE)]
    woven: list[Link] = [
        (f"c{n}", f"c{n + 1 + n * m % 97}", 10, 30.0) for n in range(SIZE) for m in (0, 7, 11)
    ]
    yield "woven chains, three holders each", woven
    group = range(100)
    yield (
        "100 companies that all own each other",
        [*((f"c{a}", f"c{b}", 0.5, 0.9) for a in group for b in group if a != b),
         ("c0", "p1", 20, 30)],
    )  # fmt: skip


def main(folders: list[str]) -> None:
    """Print a line for each structure, and one for each folder."""
    for name, links in shapes():
        graph = made(links)
        begun = perf_counter()
        found = structure(graph, "X:C0")
        took = round(perf_counter() - begun, 3)
        line = {"shape": name, "parties": found.parties, "links": len(links), "seconds": took}
        print(json.dumps(line))
    for folder in folders:
        files, companies, begun = sorted(Path(folder).rglob("*.jsonl")), 0, perf_counter()
        for file in files:
            read = read_file(file)
            companies += len([structure(read.graph, c) for c in read.graph.owners])
        took = round(perf_counter() - begun, 3)
        line = {"shape": folder, "files": len(files), "companies": companies, "seconds": took}
        print(json.dumps(line))


if __name__ == "__main__":
    main(sys.argv[1:])
