"""Blueprints: a process in YAML. What must happen; what may run at once follows from it.

Texts may hold `{{ input.x }}`, `{{ steps.y.z }}`, `{{ item }}` (inside `for_each`) and
`{{ last.z }}` (what the round before gave, inside `repeat`). A step begins the moment what it reads
is there. A time is written `8s`, `5m`, `2h`, `3d`, or as in case files, `PT8S`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from workflows.data.blueprints.plan import Limit, Share, StepId
from workflows.data.common import JSON, PersonName, Record, Verdict
from workflows.data.deciders import Keyed

FIELD_TYPE = r"^(list of )?(text|number|integer|boolean|day|any)( \([^()]{1,200}\))?[?]?$"
FieldType = Annotated[str, StringConstraints(pattern=FIELD_TYPE)]
"""`text`, `number`, `integer`, `boolean`, `day` or `any`, or `list of` one of them; what it means
may stand behind it in brackets, and `?` says that it may be missing."""
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Fields = Mapping[FieldName, FieldType]
Template = Annotated[str, StringConstraints(max_length=20_000)]
Filled = Annotated[str, StringConstraints(pattern=r"^\{\{[^{}]{1,500}\}\}$")]
"""One expression."""


def _time(value: object) -> object:
    """Read `8s` and the like as well."""
    if isinstance(value, str) and (found := _SHORT.fullmatch(value.strip())):
        return timedelta(**{_UNITS[found[2]]: float(found[1])})
    return value


_SHORT = re.compile(r"(\d{1,9}(?:[.]\d{1,6})?)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=366)
Span = Annotated[timedelta, BeforeValidator(_time), Field(gt=timedelta(0), le=_LONGEST)]
Wait = Annotated[timedelta, BeforeValidator(_time), Field(ge=timedelta(0), le=_LONGEST)]
KINDS = ("ask", "source", "effect", "http", "gate", "event", "run", "give")
"""What a step can do; each has exactly one of them."""


class Written(Record):
    """What people write. What stands below a field tells editors of it, through the schema."""

    model_config = ConfigDict(populate_by_name=True, use_attribute_docstrings=True)


class HttpCall(Written):
    """One request to an endpoint of the allow-list, named there: no other address is called."""

    endpoint: str
    method: Literal["GET", "POST"] = "POST"
    path: Template = "/"


class GateStep(Written):
    """Who is asked what; of several people the first answer counts."""

    question: Template
    people: Annotated[tuple[PersonName | Filled, ...], Field(min_length=1)]
    """By name, or as `{{ input.reviewer }}`, which may also be a list of them."""
    verdicts: tuple[Verdict, ...] = (Verdict.APPROVE, Verdict.DECLINE)
    deadline: Span | None = None
    by_default: Verdict | None = None
    """What counts when nobody answered by the deadline; without it the step fails."""


class EventStep(Written):
    """A message from outside that is waited for, by the name it is sent under."""

    name: str
    deadline: Span | None = None


class Repeat(Written):
    """Do it again until `until` holds, at most so many times."""

    until: Template
    at_most: Annotated[int, Field(ge=1, le=20)]


class OnFailure(Written):
    """What stands in for a step that failed for good; exactly one of these."""

    fail: bool = False
    skip: bool = False
    default: JSON = None
    ask: tuple[PersonName | Filled, ...] = ()
    """People who retry it, or say what it should have given; named as those of a gate."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        said = sum([self.fail, self.skip, bool(self.ask), self.default is not None])
        if said > 1 or (not said and "default" not in self.model_fields_set):
            raise ValueError("say exactly one of fail: true, skip: true, default: ..., ask: [...]")
        return self


class Simpler(Written):
    """What an `ask` does instead while much waits: asks another role, or gives a value."""

    ask: str = ""
    """A role that is asked the same."""
    give: JSON = None
    """What the step gives instead of asking."""
    waiting: Annotated[int, Field(ge=1)] = 20
    """So many calls wait for the vendor of the role's first model, or none is sent to it."""
    slower: Annotated[float, Field(gt=1, le=4, allow_inf_nan=False)] = 1.5
    """Of a run that was optimised: its steps take so many times as long as learned."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.ask) == (self.give is not None):
            raise ValueError("say exactly one of ask: ROLE and give: ...")
        return self


class Vote(Written):
    """Several answers at once, of which what most say counts: a way a run by choices may go."""

    by: FieldName
    """The field of `gives` in which answers agree or differ."""
    voters: Annotated[int, Field(ge=3, le=9)] = 3
    alike: Share
    """How much answers of one model err together, as measured: from 0 (never) to 1 (always)."""


class Cascade(Written):
    """A cheaper role first, the step's own if that is not sure: a way a run by choices may go."""

    first: str
    """The role whose first model is asked first."""
    sure: FieldName
    """The field of `gives`, a number, that says how sure an answer is, from 0 to 1."""
    at: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    """So sure an answer must be to be taken."""
    accepted: Share
    """How often that is, at least: `starter.py calibrate` measures it."""
    right: Share
    """How often what is taken is right, at least."""


class Undo(Written):
    """What takes an effect back, when a later step fails or the case is cancelled."""

    effect: str
    given: Mapping[FieldName, JSON] = Field(default={}, alias="with")


class Step(Written):
    """One step. `takes` is how long it usually lasts, until runs have taught better."""

    about: str = ""
    ask: str = ""
    """A role of the model catalogue."""
    prompt: Template = ""
    gives: Fields = Field(default_factory=dict)
    """What the answer holds; of an `ask` without it, `text`."""
    source: str = ""
    effect: str = ""
    http: HttpCall | None = None
    gate: GateStep | None = None
    event: EventStep | None = None
    run: Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9-]{0,39})?$")] = ""
    """Another process or blueprint."""
    give: JSON = None
    """A value put together from what is known."""
    given: Mapping[FieldName, JSON] = Field(default={}, alias="with")

    needs: tuple[StepId, ...] = ()
    """Steps it waits for though it reads nothing of them."""
    soft: tuple[StepId, ...] = ()
    """Steps it reads if they are there in time; `{{ steps.x }}` is empty otherwise."""
    soft_wait: Wait = timedelta(0)
    when: Template = ""
    for_each: Template = ""
    at_once: Annotated[int, Field(ge=1, le=1_000)] | None = None
    enough: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Of `for_each`: so many successes are enough; the rest is cancelled."""
    tolerate: Share = 0.0
    """Of `for_each`: the share of items that may fail."""
    repeat: Repeat | None = None
    timeout: Span | None = None
    attempts: Annotated[int, Field(ge=1, le=20)] | None = None
    on_failure: OnFailure = OnFailure(fail=True)
    undo: Undo | None = None
    uses: tuple[str, ...] = ()
    """What it shares with others and changes."""
    beside: tuple[StepId, ...] = ()
    """Steps it is meant to run at once with. Orders nothing; the audit says where it cannot be."""
    simpler: Simpler | None = None
    """Of an `ask`: what it does instead under load."""
    items: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """Of `for_each`: how many there usually are, until runs have taught better."""
    chance: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of `when`: how often it holds, until runs have taught better."""
    vote: Vote | None = None
    cascade: Cascade | None = None
    optional: bool = False
    """The optimiser may leave it out, as if it were skipped."""
    takes: Span | None = None

    @property
    def kind(self) -> str:
        """Which of KINDS it is."""
        return next(kind for kind in KINDS if self._has(kind))

    def _has(self, kind: str) -> bool:
        return kind in self.model_fields_set and getattr(self, kind) not in ("", None)

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        found = [kind for kind in KINDS if self._has(kind)]
        if len(found) != 1:
            has = " and ".join(found) or "none"
            raise ValueError(f"a step does exactly one of {', '.join(KINDS)}; this one has {has}")
        if self.ask and not self.prompt:
            raise ValueError("a step that asks a model needs a prompt")
        if self.simpler and not self.ask:
            raise ValueError("simpler is for steps that ask a model")
        if self.vote and self.gives.get(self.vote.by, "list").startswith(("list", "any")):
            raise ValueError("vote: by names a field of gives that is one value, as text")
        if self.cascade and not self.gives.get(self.cascade.sure, "").startswith("number"):
            raise ValueError("cascade: sure names a field of gives that is a number")
        if (self.enough is not None or self.tolerate or self.at_once) and not self.for_each:
            raise ValueError("at_once, enough and tolerate are for steps with for_each")
        if self.items is not None and not self.for_each:
            raise ValueError("items says how many there usually are, of steps with for_each")
        if self.chance is not None and not self.when:
            raise ValueError("chance says how often `when` holds, of steps that have it")
        return self


class Blueprint(Written, Keyed):
    """A process as data. `result` says what a case ends with; without it, all steps' values.
    With `keys` of the people of its gates, only decisions they sign count.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    about: str = ""
    input: Fields = Field(default_factory=dict)
    steps: Annotated[Mapping[StepId, Step], Field(min_length=1, max_length=500)]
    result: Mapping[FieldName, JSON] = {}
    limits: Mapping[str, Limit] = {}
    """What providers and shared things bear, by role, source, effect or name in `uses`."""
    deadline: Span | None = None
    """When a case should have ended; the optimiser's wish, never enforced."""
    budget_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    def deciders(self) -> Iterable[str]:
        """Name the people of its gates, and those asked about steps that failed."""
        for step in self.steps.values():
            yield from (*(step.gate.people if step.gate else ()), *step.on_failure.ask)
