"""Causes found in histories of the real server, against what the workflow's own code saw."""

import asyncio
import os
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from insight.graph import flow
from insight.graph.flow import Certainty
from insight.history.spans import SpanKind
from insight.report import Report, report
from insight.shown.log import log
from runtime.deadlocks import patient
from tests.flows.plans import END, START, Kind, Napping, Plan, Planned, Step, Told, nap

pytestmark = pytest.mark.server

PLANS = 200 if os.environ.get("BRAID_SOAK") == "1" else 40


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw 3 to 14 steps of 50 to 600 ms, so that some end at once and some apart."""
    count, steps = draw(st.integers(3, 14)), []
    for key in range(1, count + 1):
        kinds = st.sampled_from([Kind.ACTIVITY] * 5 + [Kind.TIMER, Kind.CHILD])
        needs = draw(st.sets(st.integers(1, key - 1), max_size=3)) if key > 1 else set[int]()
        kind = draw(st.just(Kind.JOIN) | kinds if len(needs) > 1 else kinds)
        ms = 50 * draw(st.integers(1, 12))
        steps.append(Step(id=key, kind=kind, ms=ms, needs=tuple(sorted(needs))))
    places = draw(st.sampled_from([100, 100, 2, 3]))
    return Plan(steps=tuple(steps), places=places, data=draw(st.booleans()))


def drawn(number: int, count: int) -> list[Plan]:
    """Give `count` plans of a seed."""
    found: list[Plan] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plans())
    def keep(plan: Plan) -> None:
        found.append(plan)

    keep()
    return found


@asynccontextmanager
async def planning(address: str) -> AsyncIterator[tuple[Client, str]]:
    """Serve plans on a queue of one's own."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    queue = f"plans-{secrets.token_hex(4)}"
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Planned, Napping],
        activities=[nap],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_activities=1000,
    )
    async with patient(worker):
        yield client, queue


async def carried_out(client: Client, queue: str, plan: Plan) -> tuple[Told, Report]:
    case = f"plan-{secrets.token_hex(6)}"
    handle = await client.start_workflow(Planned.run, plan, id=case, task_queue=queue)
    told = await handle.result()
    return told, report(await handle.fetch_history())


def steps_of(known: Report) -> dict[int, int]:
    """Give the step of each node of the graph."""
    named = {span.id: int(span.branch.removeprefix("s")) for span in known.spans}
    return {flow.START: START, flow.END: END, **named}


def checked_edges(plan: Plan, told: Told, known: Report) -> Counter[str]:
    """Hold each edge against the truth; count certain, possible and rightly likely ones."""
    step, count = steps_of(known), Counter[str]()
    causes: dict[int, list[flow.Edge]] = {}
    for edge in known.flow.edges:
        causes.setdefault(step[edge.effect], []).append(edge)
    assert causes.keys() == told.triggers.keys(), plan
    for effect, edges in causes.items():
        truth, (likely,) = told.triggers[effect], [edge for edge in edges if edge.likely]
        assert truth in [step[edge.cause] for edge in edges], (effect, plan)
        sure = likely.certainty is Certainty.CERTAIN
        assert len(edges) == 1 if sure else len(edges) > 1, (effect, plan)
        count["certain" if sure else "possible"] += 1
        count["rightly likely"] += not sure and step[likely.cause] == truth
    return count


def checked_path(told: Told, known: Report) -> int:
    """Hold the critical path against the truth, back from the end while its causes are certain.

    Of what ended before one workflow task only a guess tells which it was that mattered. Gives the
    number of steps compared.
    """
    sure = {e.effect for e in known.flow.edges if e.certainty is Certainty.CERTAIN}
    step = steps_of(known)
    nodes = {key: node for node, key in step.items()}
    found = list(dict.fromkeys(step[part.span] for part in reversed(known.flow.path) if part.span))
    at = END
    for place, key in enumerate([*found, START]):
        if nodes[at] not in sure:
            return place
        assert key == told.triggers[at], (at, found, told)
        at = key
    return len(found)


async def test_causes_and_critical_path_of_random_plans_are_what_the_code_saw(
    address: str,
) -> None:
    number = random.SystemRandom().randrange(1 << 32)
    print(f"seed {number}")
    made = drawn(number, PLANS)
    async with planning(address) as (client, queue):
        runs = await asyncio.gather(*(carried_out(client, queue, plan) for plan in made))
    counts, compared = {True: Counter[str](), False: Counter[str]()}, 0
    for plan, (told, known) in zip(made, runs, strict=True):
        counts[plan.data] += checked_edges(plan, told, known)
        compared += checked_path(told, known)
    for data, count in counts.items():
        print(f"plans that hand on {'results' if data else 'nothing'}: {dict(count)}")
    print(f"{len(made)} plans, {compared} steps of critical paths compared")
    assert sum(count["certain"] for count in counts.values()) > PLANS
    assert compared


async def test_agents_begun_5_ms_apart_are_shown_in_the_order_in_which_each_ended(
    address: str,
) -> None:
    """Begun in the order 1, 2, 3 and finished in the order 1, 3, 2."""
    agents = {1: 100, 3: 2000, 5: 800}
    pauses = (Step(id=2, kind=Kind.TIMER, ms=5), Step(id=4, kind=Kind.TIMER, ms=5, needs=(2,)))
    after: dict[int, tuple[int, ...]] = {1: (), 3: (2,), 5: (4,)}
    works = [Step(id=k, kind=Kind.ACTIVITY, ms=ms, needs=after[k]) for k, ms in agents.items()]
    steps = sorted((*works, *pauses), key=lambda step: step.id)
    async with planning(address) as (client, queue):
        told, known = await carried_out(client, queue, Plan(steps=tuple(steps)))
    order = [key for key in told.ended if key in agents]
    lines = [line for line in log(known) if line.kind == SpanKind.ACTIVITY]
    begun = [line for line in lines if line.what == "scheduled"]
    ended = [line for line in lines if line.what == "completed"]
    assert [line.branch for line in begun] == ["s1", "s3", "s5"]
    assert [line.branch for line in ended] == [f"s{key}" for key in order]
    assert order == [1, 5, 3]
    gaps = [two.at - one.at for one, two in pairwise(begun)]
    assert all(gap >= timedelta(milliseconds=5) for gap in gaps), gaps  # no timer fires early
