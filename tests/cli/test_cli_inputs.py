"""Case files: whatever is wrong, one line per problem with file, line, field and mend."""

import os
import re
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import example as explicitly
from hypothesis import strategies as st

from cli.errors import BAD_INPUT, BadInput
from cli.inputs import read
from cli.processes import PROCESSES, process
from cli.yaml_files import DEEPEST, LARGEST
from runtime.settings import ROOT
from workflows.data.case_file import CaseFile

CASES = sorted((ROOT / "cases").glob("*.yaml"))
GOOD = (ROOT / "cases/unilever.yaml").read_text(encoding="utf-8")
LINES = GOOD.splitlines()


def line(start: str) -> int:
    """Give the line of the example on which `start` begins."""
    return next(n for n, text in enumerate(LINES, 1) if text.strip().startswith(start))


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) >= 1, f"{old!r} is not in the example"
    return GOOD.replace(old, new, 1)


@pytest.fixture
def refused(tmp_path: Path) -> "Refused":
    return Refused(tmp_path / "my case.yaml")


class Refused:
    """Reads a text as a case file and gives the lines it is refused with, without the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, text: str | bytes) -> list[str]:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(BadInput) as caught:
            read(self.path, CaseFile)
        assert caught.value.code == BAD_INPUT
        said = str(caught.value).split("\n")
        start = f"{self.path}: "
        assert all(one.startswith(start) for one in said), said
        assert all(one.isprintable() for one in said), said
        return [one.removeprefix(start) for one in said]


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_every_example_is_a_case(path: Path) -> None:
    case = read(path, CaseFile)
    assert case.case == path.stem.replace("_", "-")


def test_there_are_the_examples_the_process_is_shown_with() -> None:
    assert {"bank_saderat", "carbo_ceramics", "unilever"} <= {p.stem for p in CASES}


PARTIES = """parties:
  - {{party_id: jo, kind: Person, name: Jo Doe, role: director, birth_date: 1970-01-02}}
  - {second}
"""


def with_party(second: str) -> str:
    return GOOD + PARTIES.format(second=second)


NOT_A_CASE: dict[str, tuple[str | bytes, list[str]]] = {
    "empty": ("", ["empty", "cases/"]),
    "blank": (" \n\n", ["empty"]),
    "only a comment": ("# nothing yet\n", ["empty"]),
    "only a mark": ("---\n", ["empty", "cases/"]),
    "not YAML": ("case: [a\nopened: {", ["line 2", "not YAML", "check indentation"]),
    "tab": ("subject:\n\tname: x\n", ["line 2", "not YAML"]),
    "a list": ("- case: a\n- case: b\n", ["line 1", "a list", "case: NAME"]),
    "a word": ("hello", ["line 1", "text", "case: NAME"]),
    "a yes": ("true", ["a yes or no"]),
    "two documents": (f"{GOOD}---\n{GOOD}", ["another document"]),
    "alias": ("case: &x a\nauthor: *x\n", ["line 2", "aliases", "write the value out"]),
    "tag": ("case: a\nopened: !!timestamp x\n", ["line 2", "tags", "write the value alone"]),
    "field twice": (f"{GOOD}author: bo\n", [f"line {len(LINES) + 1}", "author", "twice"]),
    "field twice within": (changed("postcode:", "name:"), [f"line {line('postcode')}", "name"]),
    "list as a field's name": ("{[a]: b}", ["line 1", "field's name"]),
    "fields as a field's name": ("? {a: b}\n: c\n", ["line 1", "field's name"]),
    "bottomless": ("a: " + "[" * 100_000, ["line 1", f"{DEEPEST} levels"]),
    "bottomless fields": ("{a: " * 2_000, ["line 1", f"{DEEPEST} levels"]),
    "too large": ("#" * (LARGEST + 1), [f"{LARGEST} bytes"]),
    "Latin-1": ("case: Société".encode("latin-1"), ["text", "utf-8"]),
    "zeros": (b"\x00\x01\x02", ["not YAML", "characters are not allowed"]),
    "picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ["text", "utf-8"]),
}


@pytest.mark.parametrize("name", NOT_A_CASE)
def test_file_that_is_no_case_is_refused_in_one_line(refused: Refused, name: str) -> None:
    text, words = NOT_A_CASE[name]
    (said,) = refused(text)
    assert all(word in said for word in words), said


BAD_FIELDS = {
    "unknown field": (GOOD + "colour: red\n", len(LINES) + 1, "colour", "remove it"),
    "misspelt field": (changed("postcode:", "postcod:"), 10, "subject.postcod", "spelling"),
    "missing field": (changed("author: sam\n", ""), 2, "author", "add it"),
    "text for fields": (changed("product: {", "product: x #"), 15, "product", "`name: value`"),
    "fields for text": (changed("UNILEVER PLC", "{a: b}"), 6, "subject.name", "write text"),
    "list for text": (changed("UNILEVER PLC", "[a]"), 6, "subject.name", "write text"),
    "text for a list": (changed("[analyst]", "analyst"), 29, "reviewers[0].roles", "- item"),
    "empty list": (changed("[analyst]", "[]"), 29, "reviewers[0].roles", "at least one"),
    "nothing for text": (changed("UNILEVER PLC", ""), 6, "subject.name", "write text"),
    "blank for text": (changed("UNILEVER PLC", '"  "'), 6, "subject.name", "one character"),
    "word for a number": (changed("needed: 2", "needed: two"), 17, "references.needed", "whole"),
    "word for an amount": (changed("50000", "lots"), 15, "product.monthly", "as 50000"),
    "amount of nothing": (changed("50000", "0"), 15, "product.monthly", "greater than 0"),
    "amount beyond sense": (changed("50000", "1e400"), 15, "product.monthly", "as 50000"),
    "amount nan": (changed("50000", ".nan"), 15, "product.monthly", "as 50000"),
    "word for a yes": (changed("listed: true", "listed: maybe"), 11, "subject.listed", "true"),
    "unknown role": (changed("[analyst]", "[boss]"), 29, "reviewers[0].roles[0]", "'senior'"),
    "country": (changed("country: GB", "country: UK of GB"), 7, "subject.country", "as GB"),
    "currency": (changed("EUR", "euro"), 15, "product.currency", "as EUR"),
    "contact": (changed("customer@", "customer at "), 8, "subject.contact", "mail address"),
    "case id": (changed("case: unilever", "case: Unilever PLC"), 2, "case", "lower-case"),
    "author": (changed("author: sam", "author: Sam Smith"), 4, "author", "as ana"),
    "LEI digits": (changed("RWML317", "RWML318"), 14, "identifiers[1]", "17 would fit"),
    "LEI form": (changed("549300MKFY", "549300mkfy"), 14, "identifiers[1]", "in capitals"),
    "company number": (changed('"00041424"', '"41424"'), 13, "identifiers[0]", "01126618"),
    "scheme": (changed("GB-COH", "DUNS"), 13, "identifiers[0]", "not known; use one of"),
    "day that does not exist": (changed("2026-11-20", "2026-02-30"), 3, "opened", "day that"),
    "number for a day": (changed("1894-06-21", "1894"), 9, "subject.incorporated", "2026-11-20"),
    "day long ago": (changed("2026-11-20", "0202-11-20"), 3, "opened", "write the day"),
    "founded later": (changed("1894", "2094"), 9, "subject.incorporated", "write a day not"),
    "no deadline": (changed("P5D", "P0D"), 18, "references.deadline", "as P5D"),
    "deadline in the past": (changed("P5D", "-P5D"), 18, "references.deadline", "as P5D"),
    "deadline without a unit": (changed("P5D", "5"), 18, "references.deadline", "as P5D"),
    "deadline after all of us": (changed("P5D", "P99999D"), 18, "references.deadline", "P366D"),
    "no review deadline": (changed("P3D", "P0D"), 25, "review.deadline", "as P5D"),
    "reminder too late": (changed("P1D", "P4D"), 26, "review.reminder", "not above"),
    "no reminder": (changed("P1D", "PT0S"), 26, "review.reminder", "above zero"),
    "too many rounds": (changed("rounds: 2", "rounds: 9"), 27, "review.rounds", "less than"),
    "escalation too late": (
        changed(
            "rounds: 2", "escalation: [{after: P3D, reviewers: [{name: zoe, roles: [senior]}]}]"
        ),
        27,
        "review.escalation[0].after",
        "before the deadline",
    ),
    "escalation out of order": (
        changed(
            "rounds: 2",
            "escalation: [{after: P2D, reviewers: [{name: zoe, roles: [senior]}]},"
            " {after: P1D, reviewers: [{name: yu, roles: [senior]}]}]",
        ),
        27,
        "review.escalation[1].after",
        "later than",
    ),
    "deputy of a stranger": (
        changed("rounds: 2", "deputies: {eve: [dora]}"),
        27,
        "review.deputies.eve",
        "name one of",
    ),
    "deputy of oneself": (
        changed("rounds: 2", "deputies: {bo: [bo]}"),
        27,
        "review.deputies.bo",
        "name somebody else",
    ),
    "a person called policy": (
        changed("name: bo", "name: policy"),
        28,
        "review.reviewers",
        "choose another name",
    ),
    "needed beyond": (changed("needed: 2", "needed: 5"), 17, "references.needed", "lower it"),
    "needed none": (changed("needed: 2", "needed: 0"), 17, "references.needed", "greater than"),
    "referee twice": (changed("trade-2", "trade-1"), 21, "referees[1].party_id", "rename"),
    "referee like subject": (changed("trade-2", "subject"), 21, "referees[1].party_id", "rename"),
    "referee's mail twice": (
        changed("late@halden-freight.example", "Prompt@Northern-Paper.example"),
        21,
        "referees[1].mail",
        "remove one",
    ),
    "reviewer twice": (changed("name: bo", "name: ana"), 30, "reviewers[1].name", "remove one"),
    "no compliance": (changed("[compliance, senior]", "[senior]"), 28, "reviewers", "compliance"),
    "author the only senior": (
        changed("author: sam", "author: mira").replace(
            "[analyst, senior]", "[analyst, compliance]"
        ),
        28,
        "reviewers",
        "is senior; name another person",
    ),
    "party twice": (
        with_party(
            "{party_id: joe, kind: Person, name: JO DOE, role: owner, birth_date: 1970-01-02}"
        ),
        len(LINES) + 3,
        "parties[1].name",
        "remove one or rename it",
    ),
    "party id twice": (
        with_party("{party_id: jo, kind: Company, name: Doe Ltd, role: owner}"),
        len(LINES) + 3,
        "parties[1].party_id",
        "remove one or rename it",
    ),
    "born tomorrow": (
        with_party("{party_id: al, kind: Person, name: Al, role: owner, birth_date: 2026-11-21}"),
        len(LINES) + 3,
        "parties[1].birth_date",
        "write a day not after",
    ),
    "kind of party": (
        with_party("{party_id: al, kind: Ship, name: Al, role: owner}"),
        len(LINES) + 3,
        "parties[1].kind",
        "'Person' or 'Company'",
    ),
    "field's name with a control": (
        GOOD + '"a\\nb\\e[31m": 1\n',
        len(LINES) + 1,
        r"a\nb\x1b[31m",
        "remove it",
    ),
    "field's name that is none": (GOOD + "~: 1\n", None, "None", "as text"),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_bad_field_is_named_with_its_line_and_its_mend(refused: Refused, name: str) -> None:
    text, at, field, mend = BAD_FIELDS[name]
    (said,) = refused(text)
    shown = re.fullmatch(r"line (\d+): (\S+): (.*)", said)
    assert shown is not None, said
    assert field in shown[2]
    assert mend in shown[3]
    if at is not None:
        assert int(shown[1]) == at, said


def test_every_problem_has_its_own_line(refused: Refused) -> None:
    text = changed("country: GB", "country: gb").replace("needed: 2", "needed: two")
    said = refused(text.replace("author: sam\n", "") + "colour: red\n")
    fields = {one.split(": ")[1] for one in said}
    assert fields == {"subject.country", "references.needed", "author", "colour"}
    assert len(said) == 4


def test_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.yaml: no such file; examples are in cases/"):
        read(tmp_path / "nothing.yaml", CaseFile)
    with pytest.raises(BadInput, match=r"cannot be read as text \(Is a directory\)"):
        read(tmp_path, CaseFile)


def test_endless_input_is_refused() -> None:
    with pytest.raises(BadInput, match="larger than"):
        read(Path("/dev/zero"), CaseFile)


def test_case_comes_through_a_pipe_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(GOOD,))
    writer.start()
    assert read(pipe, CaseFile).case == "unilever"
    writer.join()


def test_number_without_quotes_keeps_its_leading_zeros(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(changed('"00041424"', "00041424"))
    assert read(path, CaseFile).subject.number("GB-COH") == "00041424"


def test_norway_is_a_country_and_not_a_no(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(changed("country: GB", "country: NO"))
    assert read(path, CaseFile).subject.country == "NO"


def test_same_name_with_another_birth_date_is_another_person(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    other = "{party_id: joe, kind: Person, name: Jo Doe, role: owner, birth_date: 1999-01-02}"
    path.write_text(with_party(other))
    assert len(read(path, CaseFile).parties) == 2


MARKS = st.sampled_from(":-,[]{}#&*!|>'\"%@`?~<=.01 \n\t\x85\ufeff")
TAGS = st.sampled_from(["!!int", "!!bool", "!!timestamp", "!!binary", "!!set", "<<", "&a", "*a"])
WORDS = st.sampled_from(["case", "subject:", "null", "true", "0x", "_", "2026-02-30"])
LAYOUT = st.sampled_from(["\n  ", ": ", "- ", "---\n", "...\n"])
PIECES = MARKS | TAGS | WORDS | LAYOUT
YAML_LIKE = st.lists(PIECES, max_size=40).map("".join)
fuzzing = settings(
    print_blob=True,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def never_worse_than_bad_input(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    try:
        read(path, CaseFile)
    except BadInput as error:
        said = str(error).split("\n")
    else:
        said = []
    assert all(one.startswith(f"{path}: ") for one in said), said


@fuzzing
@given(st.binary(max_size=200))
@explicitly(b"\xef\xbb\xbf")
@explicitly(b"\xff\xfec\x00")
def test_any_bytes_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    never_worse_than_bad_input(tmp_path / "case.yaml", raw)


@fuzzing
@given(YAML_LIKE)
@explicitly("!!int ''")
@explicitly("a: !!bool maybe")
@explicitly("? [a]\n: b")
@explicitly("!<tag:yaml.org,2002:timestamp> x")
def test_any_text_like_yaml_is_read_or_refused(tmp_path: Path, text: str) -> None:
    never_worse_than_bad_input(tmp_path / "case.yaml", text.encode())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(fuzzing, max_examples=100)
@given(st.data())
def test_any_value_in_any_field_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """A valid case with one value, at any depth, exchanged for anything."""
    case = yaml.safe_load(GOOD)
    inner: object = case
    while True:
        assert isinstance(inner, dict | list)
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from(keys))
        below = inner[key]
        if not isinstance(below, dict | list) or not below or data.draw(st.booleans()):
            inner[key] = data.draw(VALUES)
            break
        inner = below
    never_worse_than_bad_input(tmp_path / "case.yaml", yaml.safe_dump(case).encode())


def test_unknown_process_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"no process 'due'; there is .*due-diligence"):
        process("due")


def test_every_run_has_a_workflow_id_of_its_own_without_a_person_in_it() -> None:
    case = read(CASES[0], CaseFile)
    for entry in PROCESSES:
        first, second = entry.new_id(case), entry.new_id(case)
        assert first != second
        assert re.fullmatch(rf"{entry.prefix}-{case.case}-[0-9a-f]{{6}}", first)
