"""Erasure: texts of one case go from every table, rows that prevent a second time stay."""

from dataclasses import replace

from store.answers import AnswerBook, KeptAnswer
from store.blobs import Blobs
from store.database import Store
from store.erasing import EMPTIED, REMOVED, Eraser
from store.journal import Claim, Journal
from store.ledger import Ledger, Settled
from store.schema import metadata
from tests.store.test_store_journal import ENTRY, REPLY

KEPT_WHOLE = {"claims", "batches", "budgets", "holds", "audit_rows"}
"""Tables of scopes without texts of a case, or emptied by hand (a claim's reason). Rows of the
audit are chained: one that went would look like tampering.
"""


async def case(store: Store, scope: str) -> str:
    """Have a case ask, answer, act and keep a document; give its document."""
    journal, ledger = Journal(store), Ledger(store)
    claim = await journal.claim(replace(ENTRY, key=f"k-{scope}", scope=scope))
    assert isinstance(claim, Claim)
    await journal.settle(claim, REPLY)
    await ledger.claim(f"e-{scope}", scope, "mail", "{}")
    await ledger.settle(f"e-{scope}", f"to-{scope}")
    answer = KeptAnswer(
        key=f"a-{scope}", scope=scope, branch="", call="c", value="text", error="", worker="w"
    )
    await AnswerBook(store).keep(answer)
    return await Blobs(store).put(f"document of {scope}".encode())


async def test_texts_of_one_case_go_and_those_of_another_stay(store: Store) -> None:
    ours, theirs = await case(store, "one"), await case(store, "two")
    eraser = Eraser(store)
    before = await eraser.holds("one", [ours])
    assert {t for t, n in before.items() if n} == {
        "replies",
        "effects",
        "settlements",
        "answers",
        "blobs",
    }
    assert await eraser.erase("one", [ours]) == before
    assert set((await eraser.holds("one", [ours])).values()) == {0}
    assert sum((await eraser.holds("two", [theirs])).values()) == sum(before.values())
    assert await Blobs(store).get(theirs) == b"document of two"


async def test_what_was_done_is_still_known(store: Store) -> None:
    await case(store, "one")
    await Eraser(store).erase("one", [])
    assert len(await Journal(store).calls("one")) == 1
    standing = await Ledger(store).claim("e-one", "one", "mail", "{}")
    assert isinstance(standing, Settled), "no second mail"


def test_every_table_of_cases_is_thought_of() -> None:
    of_cases = {t.name for t in metadata.tables.values() if "scope" in t.c}
    known = {table.name for table, _ in EMPTIED} | {table.name for table in REMOVED} | KEPT_WHOLE
    assert of_cases == known
