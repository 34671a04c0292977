"""Tokens are taken back by the name they were made for, whatever is made afterwards is good."""

from store.database import Store
from store.revocations import Revocations


async def test_what_was_made_until_then_is_taken_back(store: Store) -> None:
    revocations, before = Revocations(store), store.clock().timestamp()
    assert not await revocations.revoked("gateway", "shop", before)
    await revocations.revoke("gateway", "shop")
    assert await revocations.revoked("gateway", "shop", before)
    between = store.clock().timestamp()
    assert not await revocations.revoked("gateway", "shop", between)
    assert not await revocations.revoked("codec", "shop", before)
    assert not await revocations.revoked("gateway", "desk", before)
    await revocations.revoke("gateway", "shop")
    assert await revocations.revoked("gateway", "shop", between)
