"""Records of order fulfilment: the order, what it came to, and the services' own orders."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.common import CaseId, CountryCode, PartyId, PersonName, Record
from workflows.data.deciders import Keyed

MailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Price = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=120)]
LONGEST_WAIT = timedelta(days=2)


class Customer(Record):
    """Who ordered, and where the parcels and mails go."""

    party_id: PartyId
    name: Word
    mail: MailAddress
    street: Word
    postcode: Word
    city: Word
    country: CountryCode


class OrderLine(Record):
    """Pieces of one article; `price` and `grams` are of one piece."""

    sku: PartyId
    quantity: Annotated[int, Field(ge=1, le=10_000)]
    price: Price
    grams: Annotated[int, Field(ge=1, le=100_000)]


class Method(Record):
    """How the customer pays: a token of the payment service, never a card's number."""

    token: PartyId
    currency: Currency


class Choice(StrEnum):
    """Which warehouse gets an order that several could serve."""

    FIRST = "first"
    """The first that has reserved every line."""
    CHEAPEST = "cheapest"
    """All are waited for; the lowest price of delivery wins, the list's order breaks ties."""


class StockPolicy(Record):
    """Which warehouses are asked at once, how one is chosen, and how long they are waited for.

    `split` allows lines to come from several warehouses; a line is never split.
    """

    warehouses: Annotated[tuple[PartyId, ...], Field(min_length=1, max_length=20)]
    choose: Choice = Choice.CHEAPEST
    split: bool = False
    wait: Annotated[timedelta, Field(gt=timedelta(0), le=LONGEST_WAIT)] = timedelta(minutes=2)


class OrderCase(Keyed):
    """A customer's order. `desk` names who finishes by hand what code cannot."""

    case: CaseId
    customer: Customer
    lines: Annotated[tuple[OrderLine, ...], Field(min_length=1, max_length=100)]
    payment: Method
    stock: StockPolicy
    desk: Annotated[tuple[PersonName, ...], Field(min_length=1)]

    @property
    def amount(self) -> Decimal:
        """What the customer pays, in the currency of the payment."""
        return sum((line.price * line.quantity for line in self.lines), Decimal(0))

    def deciders(self) -> Iterable[str]:
        """Name the desk."""
        return self.desk

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for field, names in (
            ("lines", [line.sku for line in self.lines]),
            ("stock.warehouses", list(self.stock.warehouses)),
            ("desk", list(self.desk)),
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{field}: {twice[0]} stands there twice; write it once")
        return self


class OrderOutcome(StrEnum):
    """How an order ended. All but `fulfilled` leave nothing paid, reserved or labelled."""

    FULFILLED = "fulfilled"
    OUT_OF_STOCK = "out_of_stock"
    DECLINED = "declined"
    FAILED = "failed"


class Parcel(Record):
    """What one warehouse sends, under which label."""

    warehouse: PartyId
    skus: tuple[PartyId, ...]
    label: str = ""


class OrderResult(Record):
    """What an order came to. `undone` names the steps taken back; `by_hand` those by a person."""

    case: CaseId
    outcome: OrderOutcome | None = None
    parcels: tuple[Parcel, ...] = ()
    paid: Decimal = Decimal(0)
    currency: Currency
    why: str = ""
    released: tuple[PartyId, ...] = ()
    """Warehouses that had reserved and were not chosen."""
    undone: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    told: str = ""
    """The kind of mail the customer got."""


# ---- what the services are asked ---------------------------------------------------------------


class PaymentAction(StrEnum):
    """What the payment service does."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class PaymentOrder(Record):
    """One action on a payment, whose number we choose. Amounts go with `authorise` only."""

    action: PaymentAction
    payment: str
    token: str = ""
    amount: Decimal = Decimal(0)
    currency: str = ""


class PaymentState(StrEnum):
    """How a payment stands. `none`: the service never heard of it, or declined it."""

    NONE = "none"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"


class PaymentQuery(Record):
    """Which payment is looked up."""

    payment: str


class PaymentView(Record):
    """How a payment stands now."""

    payment: str
    state: PaymentState


class StockAction(StrEnum):
    """What a warehouse does. A reservation may be released until its parcel is collected."""

    RESERVE = "reserve"
    SHIP = "ship"
    RELEASE = "release"


class StockLine(Record):
    """Pieces of one article."""

    sku: PartyId
    quantity: Annotated[int, Field(ge=1)]


class StockOrder(Record):
    """One action on a reservation, whose number we choose, at one warehouse.

    `ship` names the lines that go under a label; what else was reserved is free again.
    """

    action: StockAction
    warehouse: PartyId
    reservation: str
    lines: tuple[StockLine, ...] = ()
    label: str = ""


class StockQuery(Record):
    """What is asked for at a warehouse, and the country it would go to."""

    warehouse: PartyId
    skus: tuple[PartyId, ...]
    country: CountryCode


class StockView(Record):
    """Free pieces by article now, and what delivery from there costs, in euros."""

    warehouse: PartyId
    free: dict[str, int]
    delivery: Decimal


class LabelAction(StrEnum):
    """What the carrier does."""

    MAKE = "make_label"
    VOID = "void_label"


class LabelOrder(Record):
    """One action on a shipping label, whose number we choose; address and weight go with `make`."""

    action: LabelAction
    label: str
    to: Customer | None = None
    grams: int = 0
