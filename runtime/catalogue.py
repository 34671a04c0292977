"""The catalogue of models: what they cost and can do, and which ones stand behind a role
(`llm.toml`).
"""

import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from runtime.catalogued import CatalogueModel, CatalogueVendor, Speed
from runtime.prices import Price, at
from workflows.data.common import Record
from workflows.data.limits import Limits
from workflows.data.llm import (
    Dialect,
    ModelFacts,
    ModelRef,
    ModelRequest,
    RoleBook,
    RoleChain,
    Usage,
    VendorName,
)


class CatalogueError(ValueError):
    """The catalogue is wrong; the message names file, place and mend."""


class UnknownPrice(CatalogueError):
    """A model has no price where money is counted."""


class Defaults(Record):
    """What holds for every vendor that says nothing else."""

    limits: Limits = Limits()


class Catalogue(Record):
    """All models and roles, checked. `sha256` is over the file. Models are named by their id
    here; every lookup raises KeyError for one that the catalogue does not hold.
    """

    vendors: dict[VendorName, CatalogueVendor]
    models: dict[str, CatalogueModel]
    roles: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    defaults: Defaults = Defaults()
    sha256: str = ""

    def book(self, roles: tuple[str, ...], day: date) -> RoleBook:
        """Resolve roles to chains of models, with the facts of `day`. KeyError names a role
        nobody wrote down.
        """
        chains = tuple(
            RoleChain(role=role, models=tuple(map(self.ref, self.roles[role]))) for role in roles
        )
        named = dict.fromkeys(ref for chain in chains for ref in chain.models)
        return RoleBook(
            chains=chains,
            catalogue_sha256=self.sha256,
            facts=tuple(self.facts(ref.model, day) for ref in named),
        )

    def model(self, model: str) -> CatalogueModel:
        """Give the entry of a model."""
        return self.models[model]

    def ref(self, model: str) -> ModelRef:
        """Name a model as processes do."""
        return ModelRef(vendor=self.models[model].vendor, model=model)

    def as_sent(self, request: ModelRequest) -> ModelRequest:
        """Give the request with the model under the name its vendor knows."""
        known = self.models[request.target.model].id or request.target.model
        target = request.target.model_copy(update={"model": known})
        return request.model_copy(update={"target": target})

    def facts(self, model: str, day: date) -> ModelFacts:
        """Say what is known of a model on a day."""
        entry, price = self.models[model], self.price(model, day)
        return ModelFacts(
            target=self.ref(model),
            window=entry.window or 0,
            max_output=entry.max_output or 0,
            usd_in=price.input if price else None,
            usd_out=price.output if price else None,
            p95=entry.speed.p95 if entry.speed else None,
            quality=entry.quality,
        )

    def window(self, model: str) -> int:
        """Give how many tokens the model's context holds; 0 if that is not known."""
        return self.models[model].window or 0

    def speed(self, model: str) -> Speed | None:
        """Say how fast a model is, None if that is not known."""
        return self.models[model].speed

    def price(self, model: str, day: date) -> Price | None:
        """Give the list price of a day; before the first, the first. None if it is unknown."""
        return at(self.models[model].prices, day)

    def price_or_error(self, model: str, day: date) -> Price:
        """Give the list price of a day, where money is counted. Raises UnknownPrice."""
        if (price := self.price(model, day)) is None:
            raise UnknownPrice(
                f"models.{model}: has no prices, and a budget counts what it costs; write them"
                " down (zeros for a model that costs nothing), or ask it without a budget"
            )
        return price

    def usd(self, model: str, usage: Usage, day: date, *, batch: bool = False) -> Decimal | None:
        """Price a reply at the list price of `day`; None if the model's price is unknown."""
        if (price := self.price(model, day)) is None:
            return None
        usd = price.rates(usage.input_tokens).usd(usage)
        return usd * (1 - self.vendors[self.models[model].vendor].batch_discount) if batch else usd

    def worst_usd(
        self, model: str, input_tokens: int, max_output_tokens: int, day: date
    ) -> Decimal:
        """Give the most that a call can cost if so much is sent. Raises UnknownPrice."""
        rates = self.price_or_error(model, day).rates(input_tokens)
        return rates.dearest(input_tokens, max_output_tokens)

    def limits(self, vendor: str, model: str = "") -> Limits:
        """Give what may be sent to a vendor, or to one model of it; nothing is limited where
        the catalogue does not say, nor for services that are no vendors.
        """
        if model:
            entry = self.models.get(model)
            return entry.limits if entry and entry.vendor == vendor else Limits()
        known = self.vendors.get(vendor)
        return Limits() if known is None else known.limits or self.defaults.limits

    def dialect(self, vendor: str) -> Dialect:
        """Say which API a vendor speaks."""
        return self.vendors[vendor].dialect

    @property
    def vendors_in_use(self) -> tuple[str, ...]:
        """The vendors that stand behind any role, as in [vendors]; workers serve their queues."""
        used = {self.models[model].vendor for chain in self.roles.values() for model in chain}
        return tuple(vendor for vendor in self.vendors if vendor in used)

    def roles_of(self, model: str) -> tuple[str, ...]:
        """List the roles a model stands behind."""
        return tuple(role for role, chain in self.roles.items() if model in chain)


def load(path: Path) -> Catalogue:
    """Read and check a catalogue. Raises CatalogueError."""
    try:
        raw = path.read_bytes()
    except OSError as trouble:
        raise CatalogueError(
            f"{path.name}: cannot be read ({trouble.strerror}); BRAID_CATALOGUE names another"
        ) from trouble
    return read(raw, path.name)


@lru_cache(maxsize=8)
def read(raw: bytes, name: str) -> Catalogue:
    """Check the bytes of a catalogue called `name`, the same ones once. Raises CatalogueError."""
    try:
        found = tomllib.loads(raw.decode(), parse_float=Decimal)
        catalogue = Catalogue.model_validate(found | {"sha256": sha256(raw).hexdigest()})
    except ValidationError as wrong:
        raise CatalogueError(f"{name}: {_first(wrong)}") from wrong
    except ValueError as wrong:
        raise CatalogueError(f"{name}: is not TOML ({wrong})") from wrong
    for mistake in _contradictions(catalogue):
        raise CatalogueError(f"{name}: {mistake}")
    return catalogue


def _first(wrong: ValidationError) -> str:
    """Say where the first mistake stands and what is expected there."""
    error = wrong.errors()[0]
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    match error["type"]:
        case "missing":
            return f"{place}: is missing; write it down"
        case "extra_forbidden":
            return f"{place}: is not a known field; remove or rename it"
        case "value_error":
            return f"{place}: {error['ctx']['error']}"
    return f"{place}: {error['msg']} (found {error['input']!r})"


def _contradictions(catalogue: Catalogue) -> Iterator[str]:
    """Say which entries name others that are not there."""
    for model, entry in catalogue.models.items():
        if entry.vendor not in catalogue.vendors:
            known = ", ".join(sorted(catalogue.vendors))
            yield (
                f"models.{model}: vendor {entry.vendor!r} is not in [vendors]; use one of {known},"
                " or write it down"
            )
    for role, chain in catalogue.roles.items():
        for model in chain:
            if model not in catalogue.models:
                known = ", ".join(sorted(catalogue.models))
                yield f"roles.{role}: model {model!r} is not in [models]; use one of {known}"
        if len(set(chain)) < len(chain):
            yield f"roles.{role}: names a model twice; remove one"
