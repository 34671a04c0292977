"""Tokens for codec endpoint and gateway: made for somebody, and taken back."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import typer

from runtime.settings import Settings


def give(audience: str, who: str, minutes: float, rights: Iterable[str] = ()) -> None:
    """Print a token for somebody. Raises SettingsError without a key ring."""
    from runtime.keys import KeyRing
    from runtime.tokens import token

    ring = KeyRing(Settings.from_env().keys_file)
    good_for, now = timedelta(minutes=minutes), datetime.now(UTC)
    typer.echo(token(ring, who, good_for, now, audience=audience, rights=rights))


def take_back(audience: str, who: str) -> None:
    """Have every token refused that was made for somebody until now. Raises StoreError."""
    from store.database import Store
    from store.revocations import Revocations

    async def revoke() -> str:
        async with Store.opened(Settings.from_env().database) as store:
            await Revocations(store).revoke(audience, who)
            return store.where

    where = asyncio.run(revoke())
    typer.echo(f"tokens made for {who!r} until now are refused wherever {where} is the store")
