"""What the command line was refused is chained, over all cases of a store."""

import asyncio

from store.attempts import Attempts
from store.database import Store
from workflows.data.audit import broken
from workflows.data.common import Decision, Verdict


async def test_refusals_are_kept_in_one_unbroken_chain_without_tokens(store: Store) -> None:
    """Also when several commands are refused at once."""
    said = Decision(verdict=Verdict.APPROVE, by="ana", token="a.secret.token")
    cases = [f"dd-{n}" for n in range(5)]
    await asyncio.gather(*(Attempts(store).refused(c, said, "refused: forged") for c in cases))
    rows = await Attempts(store).rows()
    plain = [row.model_dump(mode="json") for row in rows]
    assert broken(plain) is None
    assert sorted(row.target for row in rows) == [f"{case} review" for case in cases]
    assert {(row.actor.id, row.after, row.reason) for row in rows} == {
        ("ana", "approve", "refused: forged")
    }
    assert "secret" not in str(plain)
    plain[2]["actor"]["id"] = "bo"
    found = broken(plain)
    assert found is not None
    assert found.row == 3
