"""A blueprint as the audit sees it: also one with loops, unknown steps and broken templates."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from insight.plan.audit.findings import At
from workflows.data.blueprints.blueprint import Blueprint, Step
from workflows.data.blueprints.filters import BadTemplate
from workflows.data.blueprints.planned import called, seconds
from workflows.data.blueprints.references import (
    Needs,
    Read,
    ReadKind,
    needs_from,
    reads_in,
    result_reads,
    templates,
)

_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def at_step(name: str, where: str = "") -> At:
    """Give the place of a template, as `with.terms[0]`, in a step."""
    parts = (m[1] if m[1] is not None else int(m[2]) for m in _PART.finditer(where))
    return ("steps", name, *parts)


class View:
    """Reads, needs and times of a blueprint's steps."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.steps: Mapping[str, Step] = blueprint.steps
        self.broken: list[tuple[str, str, BadTemplate]] = []
        """Templates that are not taken: step, place, why."""
        self.reads = {name: [*self._reads(name, step)] for name, step in self.steps.items()}
        self.result = [*self._result()]

    @cached_property
    def needs(self) -> Mapping[str, Needs]:
        """What each step waits for, without steps that do not exist."""
        found = {n: needs_from(n, s, self.reads[n]) for n, s in self.steps.items()}
        return {
            name: Needs(hard=self._known(need.hard), soft=self._known(need.soft))
            for name, need in found.items()
        }

    @cached_property
    def before(self) -> Mapping[str, frozenset[str]]:
        """All steps that have certainly ended when a step begins."""
        found: dict[str, frozenset[str]] = {}
        for name in self.steps:
            seen: set[str] = set()
            todo = [*self.needs[name].hard]
            while todo:
                if (current := todo.pop()) not in seen:
                    seen.add(current)
                    todo += found.get(current, self.needs[current].hard)
            found[name] = frozenset(seen)
        return found

    @cached_property
    def followers(self) -> Mapping[str, frozenset[str]]:
        """The steps that wait for a step."""
        found = defaultdict(set)
        for name, need in self.needs.items():
            for first in need.hard:
                found[first].add(name)
        return {name: frozenset(found[name]) for name in self.steps}

    @cached_property
    def times(self) -> Mapping[str, tuple[float, float]]:
        """When each step begins and ends, in seconds, if each begins when what it needs is there.

        Of a blueprint without a loop.
        """
        found: dict[str, tuple[float, float]] = {}
        for name in sorted(self.steps, key=lambda n: len(self.before[n])):
            begin = max((found[n][1] for n in self.needs[name].hard), default=0.0)
            found[name] = (begin, begin + seconds(self.steps[name]))
        return found

    def data(self, name: str) -> frozenset[str]:
        """The steps a step reads."""
        return frozenset(read.name for read in self.reads[name] if read.kind is ReadKind.STEP)

    def together(self) -> Iterator[tuple[str, str]]:
        """Give each two steps that may run at once, as they stand in the file."""
        names = [*self.steps]
        for number, one in enumerate(names):
            for other in names[number + 1 :]:
                if one not in self.before[other] and other not in self.before[one]:
                    yield one, other

    def one_at_a_time(self, name: str) -> bool:
        """Tell whether a limit lets only one step at a time use this."""
        return name in self.blueprint.limits and self.blueprint.limits[name].at_once == 1

    def limit(self, step: Step) -> int | None:
        """How many of what a step calls, or uses, may go on at once."""
        names = (called(step), *step.uses)
        found = [self.blueprint.limits[n].at_once for n in names if n in self.blueprint.limits]
        return min((most for most in found if most is not None), default=None)

    def _known(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name in self.steps)

    def _reads(self, name: str, step: Step) -> Iterator[Read]:
        for where, text in templates(step):
            try:
                yield from reads_in(where, text)
            except BadTemplate as error:
                self.broken.append((name, where, error))

    def _result(self) -> Iterator[Read]:
        try:
            yield from result_reads(self.blueprint)
        except BadTemplate as error:
            self.broken.append(("", "result", error))
