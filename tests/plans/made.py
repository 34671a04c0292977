"""Plans of tests."""

from random import Random

from workflows.data.blueprints.plan import Limit, Mode, Plan, PlanStep


def step(name: str, seconds: float, *needs: str, limit: str = "", **more: object) -> PlanStep:
    """A step with one way of doing it; `more` may hold fields of the step and of the mode."""
    ways = {key: more.pop(key) for key in list(more) if key in Mode.model_fields}
    mode = Mode.model_validate({"name": "given", "p50": seconds, "limit": limit, **ways})
    return PlanStep.model_validate({"id": name, "modes": (mode,), "needs": needs, **more})


def plan(*steps: PlanStep, **limits: Limit) -> Plan:
    return Plan(name="case", steps=steps, limits=limits)


def email() -> Plan:
    """Draft 8 s, fact check 6 s of the draft, tone 10 s: the third reads the second's result."""
    return plan(step("tone", 8), step("draft", 10), step("check", 6, "draft"))


def drawn(seed: int, count: int, *, held: bool, spread: float = 0.0, soft: bool = False) -> Plan:
    """A random plan, with or without limits, and waits for what is soft."""
    random = Random(seed)  # noqa: S311
    steps = []
    for number in range(count):
        near = range(max(0, number - 12), number)
        needs = [f"s{n}" for n in random.sample(near, min(len(near), random.randint(0, 2)))]
        limit = random.choice(["one", "two", ""]) if held else ""
        waits = soft and number > 1 and random.random() < 0.5
        late = {f"s{n}" for n in random.sample(range(number), 2)} - {*needs} if waits else ()
        steps.append(
            step(
                f"s{number}",
                random.choice([0, 1, 2.5, 7]),
                *needs,
                limit=limit,
                times=random.choice([1, 1, 3]),
                at_once=random.choice([None, 2]),
                spread=spread,
                soft=sorted(late),
                soft_wait=random.choice([0.5, 3, 20]) if late else 0,
            )
        )
    limits = {"one": Limit(at_once=2), "two": Limit(at_once=3, per_minute=4)}
    return plan(*steps, **(limits if held else {}))
