"""Names: what must hold for any two, what a reviewer reads, and what must never match."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sources import halves, measured
from workflows.data.names.compare import MATCH, compare
from workflows.data.names.folding import unread_script
from workflows.data.names.search import Listed, NameList

WORDS = "Abdul Ali Bank Boris Chan GmbH Kim Ltd Möller Pakistan Putin Saderat van VII Владимир 金"
NAMES = st.lists(st.sampled_from([*WORDS.split(), "x", "No. 7", "al-", "O'"]), max_size=7).map(
    " ".join
)
KINDS = st.sampled_from(["Person", "Company"])


@given(first=NAMES | st.text(max_size=30), second=NAMES, kind=KINDS)
def test_any_two_names(first: str, second: str, kind: str) -> None:
    one, other = compare(first, second, kind), compare(second, first, kind)
    assert 0 <= one.score <= 1
    assert one.score == other.score
    assert len(one.parts) == len(other.parts)


@given(words=st.permutations(["Sergey", "Viktorovich", "Lavrov", "Ahmed"]))
def test_the_order_of_words_does_not_matter(words: list[str]) -> None:
    listed = "LAVROV, Sergei Viktorovich"
    assert compare(" ".join(words), listed, "Person") == compare(
        "Ahmed Lavrov Sergey Viktorovich", listed, "Person"
    )


@pytest.mark.parametrize(
    ("kind", "first", "second", "matched"),
    [
        ("Company", "Bank Saderat plc", "BANK SADERAT PUBLIC LIMITED COMPANY", True),
        ("Company", "Gazprom OAO", "Gazprom", True),
        ("Company", "BANK SADERAT P L C", "Bank Saderat PLC", True),
        ("Company", "Siemens A G", "Siemens", True),
        ("Company", "Foo G m b H", "Foo S. A.", True),
        ("Company", "Alpha P L C", "Beta P L C", False),
        ("Company", "J P Morgan", "Morgan S A", False),
        (
            "Company",
            'публичное акционерное общество "Нефтяная компания "Роснефть"',
            "OPEN JOINT-STOCK COMPANY ROSNEFT OIL COMPANY",
            True,
        ),
        ("Company", "Общество «Газовая компания»", "OIL COMPANY LLC", False),
        ("Company", "Alpha Corp.", "Beta Corp.", False),
        ("Company", "A.B.C. Ltd", "X.Y.Z. Ltd", False),
        ("Company", "Volkswagen AG", "Siemens AG", False),
        ("Company", "Construction Ltd", "Dredging Construction Company LLC", False),
        ("Company", "Unilever PLC", "UNITED LEVANT TRADING", False),
        ("Person", "Володимир Путін", "PUTIN, Vladimir", True),
        ("Person", "محمد حسن", "Mohammed Hassan", True),
        ("Person", "Γεώργιος Παπαδόπουλος", "PAPADOPOULOS, Georgios", True),
        ("Person", "Dr. Jean-Claude Juncker", "JUNCKER, J. C.", True),
        ("Person", "VladimirPutin", "Vladimir Putin", True),
        ("Person", "Michelle Obama", "Barack Obama", False),
        ("Person", "Antonia Rodriguez", "RODRIGUEZ, Antonio", False),
        ("Person", "김종은", "김정은", False),
    ],
)
def test_who_is_told_apart(kind: str, first: str, second: str, matched: bool) -> None:
    found = compare(first, second, kind)
    assert found.matched is matched, found


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("№ 7 Müller, Путин & Δέλτα", ""),
        ("გიორგი", ""),
        ("Bank بنك", "ARABIC"),
        ("華為", "CJK"),
        ("김정은", "HANGUL"),
    ],
)
def test_a_script_that_is_not_read_is_named(name: str, script: str) -> None:
    assert unread_script(name) == script


def test_a_reviewer_reads_which_word_stands_for_which() -> None:
    found = compare("Sergej Lavrow", "LAVROV, Sergey Viktorovich", "Person")
    assert set(found.parts) == {
        "sergej = sergey (forms of one name)",
        "lavrow = lavrov (sounds alike)",
        "viktorovich: only in the name found",
    }
    turned = compare("LAVROV, Sergey Viktorovich", "Sergej Lavrow", "Person")
    assert "viktorovich: only in the name asked for" in turned.parts


def test_each_weakness_lowers_the_score() -> None:
    names = ["Ivan Petrov", "Ivan Petrovna", "Ivan Smith", "John Smith"]
    scores = [compare(name, "Petrov, Ivan", "Person").score for name in names]
    assert all(higher > lower for higher, lower in pairwise(scores))
    series = [compare(f"Aurora Fund {n}", "AURORA FUND VII", "Company") for n in ("7", "8")]
    assert (series[0].score, series[1].matched) == (1.0, True)
    assert series[1].score < series[0].score


def test_the_bar_of_a_search_moves_its_result() -> None:
    names = NameList(
        [Listed(n, n) for n in ("PUTIN, Vladimir", "PUTINA, Vladimir", "ARSENYEV, Vladimir")],
        "Person",
    )
    found = {bar: len(names.search("Vladimir Putin", bar)) for bar in (0.0, MATCH, 1.0)}
    assert found == {0.0: 3, MATCH: 2, 1.0: 1}


def test_an_endless_name_is_cut() -> None:
    assert compare("ABC " * 100_000, "DEF " * 100_000, "Company").score == 0
    assert compare("a b " * 100, "abc xyz " * 100, "Person").score <= 1


def test_pairs_never_built_on_stay_above_the_yardstick(shared_data: Path) -> None:
    text = (shared_data / "dd/nomenklatura/cases.csv").read_text(encoding="utf-8")
    pairs = list(csv.DictReader(text.splitlines()))
    assert measured(halves(pairs)[1]).f1 > 0.806
