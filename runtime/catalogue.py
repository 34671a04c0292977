"""The catalogue of models: what they cost, and which ones stand behind a role (`llm.toml`)."""

import tomllib
from datetime import date
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from workflows.data.common import Record
from workflows.data.llm import Dialect, ModelRef, RoleBook, RoleChain, Usage, VendorName

MILLION = Decimal(1_000_000)
Dollars = Annotated[Decimal, Field(ge=0)]


class CatalogueError(ValueError):
    """The catalogue is wrong; the message names file, place and mend."""


class CatalogueVendor(Record):
    """A vendor: which API it speaks."""

    dialect: Dialect


class Price(Record):
    """US dollars per million tokens, valid from `since` until the next price."""

    since: date
    input: Dollars
    cached: Dollars
    output: Dollars


class CatalogueModel(Record):
    """One model: who answers, its name for people, its prices, oldest first."""

    vendor: VendorName
    name: str
    prices: Annotated[tuple[Price, ...], Field(min_length=1)]


class Catalogue(Record):
    """All models and roles, checked. `sha256` is over the file."""

    vendors: dict[VendorName, CatalogueVendor]
    models: dict[str, CatalogueModel]
    roles: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    sha256: str = ""

    def book(self, roles: tuple[str, ...]) -> RoleBook:
        """Resolve roles to chains of models. KeyError names a role nobody wrote down."""
        return RoleBook(
            chains=tuple(RoleChain(role=role, models=self._chain(role)) for role in roles),
            catalogue_sha256=self.sha256,
        )

    def usd(self, model: str, usage: Usage, day: date) -> Decimal:
        """Price a reply at the list price of `day`; before the first price, at the first.

        KeyError for a model the catalogue does not hold.
        """
        prices = self.models[model].prices
        price = next((p for p in reversed(prices) if p.since <= day), prices[0])
        fresh = max(usage.input_tokens - usage.cached_tokens, 0)
        total = (
            fresh * price.input
            + usage.cached_tokens * price.cached
            + usage.output_tokens * price.output
        )
        return total / MILLION

    def _chain(self, role: str) -> tuple[ModelRef, ...]:
        return tuple(
            ModelRef(vendor=self.models[model].vendor, model=model) for model in self.roles[role]
        )


def load(path: Path) -> Catalogue:
    """Read and check a catalogue. Raises CatalogueError."""
    try:
        raw = path.read_bytes()
    except OSError as trouble:
        raise CatalogueError(f"{path.name}: cannot be read ({trouble.strerror})") from trouble
    return read(raw, path.name)


def read(raw: bytes, name: str) -> Catalogue:
    """Check the bytes of a catalogue called `name`. Raises CatalogueError."""
    try:
        found = tomllib.loads(raw.decode(), parse_float=Decimal)
        catalogue = Catalogue.model_validate(found | {"sha256": sha256(raw).hexdigest()})
    except ValidationError as wrong:
        raise CatalogueError(f"{name}: {_first(wrong)}") from wrong
    except ValueError as wrong:
        raise CatalogueError(f"{name}: is not TOML ({wrong})") from wrong
    _consistent(catalogue, name)
    return catalogue


def _first(wrong: ValidationError) -> str:
    """Say where the first mistake stands and what is expected there."""
    error = wrong.errors()[0]
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{place}: is missing; write it down"
    if error["type"] == "extra_forbidden":
        return f"{place}: is not a known field; remove or rename it"
    return f"{place}: {error['msg']} (found {error['input']!r})"


def _consistent(catalogue: Catalogue, name: str) -> None:
    for model, entry in catalogue.models.items():
        if entry.vendor not in catalogue.vendors:
            known = ", ".join(sorted(catalogue.vendors))
            raise CatalogueError(
                f"{name}: models.{model}: vendor {entry.vendor!r} is not in [vendors]; use one of"
                f" {known}, or write it down"
            )
    for role, chain in catalogue.roles.items():
        for model in chain:
            if model not in catalogue.models:
                known = ", ".join(sorted(catalogue.models))
                raise CatalogueError(
                    f"{name}: roles.{role}: model {model!r} is not in [models]; use one of {known}"
                )
        if len(set(chain)) < len(chain):
            raise CatalogueError(f"{name}: roles.{role}: names a model twice; remove one")
    for model, entry in catalogue.models.items():
        days = [price.since for price in entry.prices]
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise CatalogueError(
                f"{name}: models.{model}.prices: write them oldest first, each with its own day"
            )
