"""What parallel work saves in a year, in hours and money, beside what the models cost.

Only machine time counts: waiting for people is nobody's work.
"""

from insight.plan.critical import Critical
from insight.plan.graph import mode
from workflows.data.blueprints.plan import Plan
from workflows.data.common import Record

HOUR = 3600.0
MONTHS = 12
DAYS = 260
"""Working days of a year."""


class Volume(Record):
    """How many cases a day on how many days a year, and what an hour is worth; any currency."""

    a_day: float
    hourly: float | None = None
    days: float = DAYS


class Savings(Record):
    """What is saved in a year. `seconds` are those of one case, `overhead` of it is to take off.

    `hours` and `money` are gross, the `net_` ones less coordination. By month: `month_value` is
    net money, `month_models` what model calls cost in US dollars, in either order of work.
    """

    seconds: float
    overhead: float
    hours: float
    money: float | None
    net_hours: float
    net_money: float | None
    month_value: float | None
    month_models: float


def savings(
    in_order: float, at_once: float, volume: Volume, *, overhead: float = 0.0, usd: float = 0.0
) -> Savings:
    """Count what is saved if a case takes `at_once` seconds in place of `in_order`.

    `overhead` are the seconds coordination adds to a case, `usd` is what its models cost.
    """
    cases = volume.a_day * volume.days
    hours, net_hours = (
        cases * s / HOUR for s in (in_order - at_once, in_order - at_once - overhead)
    )
    rate = volume.hourly
    net = None if rate is None else net_hours * rate
    return Savings(
        seconds=in_order - at_once,
        overhead=overhead,
        hours=hours,
        money=None if rate is None else hours * rate,
        net_hours=net_hours,
        net_money=net,
        month_value=None if net is None else net / MONTHS,
        month_models=cases * usd / MONTHS,
    )


def overhead(plan: Plan, found: Critical) -> float:
    """Give the seconds coordination adds to a case; a plan with nothing at once adds none."""
    if found.machine_in_order <= found.machine:
        return 0.0
    return plan.coordination * len(found.path)


def cost(plan: Plan) -> float:
    """Give what a case is expected to cost in US dollars, with the tries made again."""
    return sum(
        way.usd * step.times * step.chance * _tries(way.fails, way.attempts)
        for step, way in ((step, mode(step)) for step in plan.steps)
    )


def _tries(fails: float, attempts: int) -> float:
    return (1 - fails**attempts) / (1 - fails)
