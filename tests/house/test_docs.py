"""The documentation holds: links, commands, settings, tests it names, and its own example."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import typer.main
from temporalio import workflow

from cli.inputs import read
from runtime.connection import GIVEN_BY
from runtime.settings import ROOT, Settings
from starter import app
from tests.patterns.virtual import run
from workflows.data.common import Record
from workflows.patterns.gate import ANYBODY

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
EXAMPLE = DOCS / "adding-a-process.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
VARIABLE = re.compile(r"BRAID_[A-Z][A-Z_]*")
CODE = ("Makefile", "docker-compose.yml", "Dockerfile", "deployed.py", "worker.py", "starter.py")
ROOMS = ("activities", "cli", "insight", "runtime", "scripts", "simulator", "store", "workflows")


def ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=ids)


def prose(page: Path) -> str:
    """Give a page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def commands(page: Path) -> str:
    """Give what stands in code: fenced blocks and spans."""
    text = page.read_text(encoding="utf-8")
    blocks = [body for _, body in FENCE.findall(text)]
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", prose(page))])


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def wrong_links(page: Path) -> list[str]:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


def test_the_pages_are_found() -> None:
    assert {"README.md", "docs/running.md", "docs/patterns/join.md"} <= set(map(ids, PAGES))


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert wrong_links(page) == []


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n[a](page.md#a-title) [b](nowhere.md) [c](page.md#no) [d](http://x)")
    assert wrong_links(page) == ["nowhere.md", "page.md#no"]


def test_every_page_is_reached_from_the_readme() -> None:
    """By links from page to page."""
    reached, fresh = set[Path](), {ROOT / "README.md"}
    while fresh:
        page = fresh.pop()
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)", prose(page))
        fresh |= {(page.parent / link).resolve() for link in links} - reached
    assert sorted(set(PAGES) - reached) == []


@every_page
def test_every_make_target_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = re.findall(r"\bmake (?:-\w+ )*([a-z][a-z-]*)", commands(page))
    assert {"demo", "test", "stack"} <= targets
    assert sorted(set(named) - targets) == []


@cache
def known_commands() -> frozenset[str]:
    return frozenset(getattr(typer.main.get_command(app), "commands", {}))


@every_page
def test_every_command_of_the_starter_exists(page: Path) -> None:
    known = known_commands()
    named = re.findall(r"starter\.py ([a-z][a-z-]*)", commands(page))
    assert {"run", "decide", "explain"} <= known
    assert sorted(set(named) - known) == []


def code() -> Iterator[Path]:
    yield from (ROOT / name for name in CODE)
    for room in ROOMS:
        yield from (p for p in (ROOT / room).rglob("*") if p.is_file() and p.suffix != ".pyc")


def test_every_setting_stands_in_the_running_page_and_no_other() -> None:
    page = (DOCS / "running.md").read_text(encoding="utf-8")
    in_code = {name for path in code() for name in VARIABLE.findall(path.read_text("utf-8"))}
    rows = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in names(row)}
    braid = {name for name in rows if name.startswith("BRAID_")}
    assert braid == in_code, "the table of docs/running.md and the code differ"
    assert set(Settings().key_names.values()) <= rows
    assert [name for name in GIVEN_BY if f"`{name}`" not in page] == []


def names(row: str) -> list[str]:
    """Give the variables named in the first cell of a table's row."""
    return re.findall(r"`([A-Z][A-Z_]+)`", row)


@every_page
def test_every_setting_a_page_names_is_one(page: Path) -> None:
    running = set(VARIABLE.findall((DOCS / "running.md").read_text(encoding="utf-8")))
    assert set(VARIABLE.findall(page.read_text(encoding="utf-8"))) - running == set()


@cache
def defined() -> frozenset[str]:
    """Give the names of all tests."""
    files = (ROOT / "tests").rglob("test_*.py")
    return frozenset(n for f in files for n in re.findall(r"def (test_\w+)", f.read_text("utf-8")))


@every_page
def test_every_test_and_file_a_page_names_exists(page: Path) -> None:
    spans = re.findall(r"`([^`\n]+)`", prose(page))
    missing = [s for s in spans if re.fullmatch(r"test_\w+", s) and s not in defined()]
    if page != EXAMPLE:  # its files are those the reader writes
        rooms = "|".join((*ROOMS, "tests", "cases"))
        paths = [s for s in spans if re.fullmatch(rf"(?:{rooms})/[\w./-]+", s) and "yours" not in s]
        missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


# ---- the example of docs/adding-a-process.md ------------------------------------------------


def example() -> dict[str, str]:
    """Give the files the page tells the reader to write: path in the heading, then the text."""
    parts = re.findall(
        r"^## \d+\. [^\n]*`([\w./-]+)`\n.*?^```(?:python|yaml)\n(.*?)^```",
        EXAMPLE.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    return dict(parts)


def load(path: str, text: str) -> ModuleType:
    """Run a file of the example as the module it would be."""
    module = ModuleType(path.removesuffix(".py").replace("/", "."))
    module.__file__ = str(ROOT / path)
    sys.modules[module.__name__] = module
    exec(compile(text, path, "exec"), module.__dict__)  # noqa: S102 - our own page
    return module


def test_the_example_fits_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files import against the code as it is; its case file fits its record."""
    files = example()
    assert [Path(path).suffix for path in files] == [".py", ".py", ".py", ".yaml"]
    for name in ("workflows.data", "workflows.prompts", "workflows"):
        monkeypatch.setitem(sys.modules, f"{name}.supplier_check", ModuleType("not loaded yet"))
    loaded = {path: load(path, text) for path, text in files.items() if path.endswith(".py")}
    process = loaded["workflows/supplier_check.py"].SupplierCheck
    definition = workflow._Definition.must_from_class(process)
    assert definition.name == "supplier-check"
    assert set(definition.queries) >= {"status", "open_gates", "cost"}
    case: type[Record] = loaded["workflows/data/supplier_check.py"].SupplierCase
    file = tmp_path / "supplier.yaml"
    file.write_text(files["cases/supplier-check/pallets.yaml"], encoding="utf-8")
    given = read(file, case)
    assert loaded["workflows/prompts/supplier_check.py"].reading("An offer.").user
    gate = process.question(SimpleNamespace(case=given), {})
    assert (gate.proposal, gate.needs) == ("decline", (ANYBODY,))


# ---- the examples of docs/patterns -----------------------------------------------------------

PATTERNS = sorted(set((DOCS / "patterns").glob("*.md")) - {DOCS / "patterns" / "README.md"})
PARTS = ["When", "Figure", "Example", "Pitfalls"]


@pytest.mark.parametrize("page", PATTERNS, ids=ids)
def test_a_pattern_page_has_its_parts(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", prose(page), re.MULTILINE)
    assert [h for h in headings if h in PARTS] == PARTS
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 150, "one short page"


@pytest.mark.parametrize("page", PATTERNS, ids=ids)
def test_the_example_of_a_pattern_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a module of its own; what it defines as `example` runs on a virtual loop."""
    text = page.read_text(encoding="utf-8").split("\n## Example\n")[1]
    blocks = [body for language, body in FENCE.findall(text) if language == "python"]
    name = f"pattern_page_{page.stem.replace('-', '_')}"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    module = load(f"{name}.py", blocks[0])
    if example := getattr(module, "example", None):
        run(example())
    else:
        assert any(hasattr(v, "__temporal_workflow_definition") for v in vars(module).values())


@every_page
def test_python_shown_on_a_page_is_python(page: Path) -> None:
    for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            ast.parse(f"async def shown():\n{indented(body)}")


def indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.splitlines())


def test_the_readme_claims_no_more_than_was_measured() -> None:
    measured = set((DOCS / "claims.md").read_text(encoding="utf-8").splitlines())
    part = (ROOT / "README.md").read_text(encoding="utf-8").partition("### What it saves\n")[2]
    claimed = [line for line in part.partition("\n### ")[0].splitlines() if line.startswith("|")]
    assert len(claimed) > 10
    assert not [line for line in claimed if line not in measured]
