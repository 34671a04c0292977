"""Measure the strategies on virtual time: what hedging, cascades, votes and packs are worth.

`.venv/bin/python -m bench.strategies` (about 20 seconds) prints one JSON line a figure. The code is
the product's; the models are drawn at random (`--seed`) from the distributions named in the lines.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random
from statistics import mean, quantiles
from typing import Any

from tests.patterns.virtual import elapsed, run
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, Prompt, Usage
from workflows.data.pack import PackItem
from workflows.data.tokens import prompt_tokens
from workflows.patterns.cascade import cascade, expected_usd
from workflows.patterns.consult import Consulted
from workflows.patterns.hedge import hedge
from workflows.patterns.otherwise import give_up, take_best
from workflows.patterns.pack import items_block, packs_of
from workflows.patterns.respondents import Respondent
from workflows.patterns.vote import majority_accuracy, vote

Figures = dict[str, Any]
CHEAP, STRONG = Decimal("0.06"), Decimal("1.00")
"""Prices of a planned cascade: the cheap call with its check, and the strong call."""


class Guess(Record):
    """What a drawn model says."""

    right: bool
    confidence: float


def respondent(name: str, guess: Guess, seconds: float, usd: Decimal) -> Respondent[Guess]:
    """Make one who says this after so many seconds, at this price."""
    return Respondent(name, partial(_say, name, guess, seconds, usd))


async def _say(name: str, guess: Guess, seconds: float, usd: Decimal) -> Consulted[Guess]:
    await asyncio.sleep(seconds)
    target = ModelRef(vendor=name, model=name)
    text = guess.model_dump_json()
    answer = ModelAnswer(target=target, text=text, usage=Usage(), usd=usd, simulated=True)
    return Consulted(guess, answer)


def straggling(random: Random) -> float:
    """Draw the seconds of a call: median 4, sigma 0.5, and 3% of all take eight times as long."""
    return random.lognormvariate(1.3863, 0.5) * (8 if random.random() < 0.03 else 1)


def hedged(seed: int, calls: int, share: float) -> Figures:
    """Hedge calls after the quantile `share` of their time; the second is drawn afresh."""
    random = Random(seed)  # noqa: S311 - a simulation
    known = sorted(straggling(random) for _ in range(20_000))
    after = timedelta(seconds=known[int(share * len(known))])
    plain: list[float] = []
    times: list[float] = []
    second = uncertain = 0

    async def story() -> None:
        nonlocal second, uncertain
        guess = Guess(right=True, confidence=1)
        for _ in range(calls):
            one, two = straggling(random), straggling(random)
            plain.append(one)
            start = elapsed()
            pair = [respondent(n, guess, s, STRONG) for n, s in (("a", one), ("b", two))]
            found = await hedge("bench", *pair, after=after, otherwise=give_up())
            times.append(elapsed() - start)
            second += found.record.second != "not asked"
            uncertain += found.record.uncertain

    run(story())
    p99, without = quantiles(times, n=100)[98], quantiles(plain, n=100)[98]
    return {
        "strategy": "hedge",
        "after": f"p{share * 100:g}",
        "calls": calls,
        "p99_without_s": round(without, 1),
        "p99_s": round(p99, 1),
        "p99_change": round(p99 / without - 1, 2),
        "more_calls": round(second / calls, 3),
        "given_up_in_flight": round(uncertain / calls, 3),
    }


def cascaded(seed: int, questions: int, threshold: float) -> Figures:
    """Ask a cheap model that is right as often as it says, and a strong one right in 0.95."""
    random = Random(seed)  # noqa: S311 - a simulation
    cost = Decimal(0)
    right = sure = 0

    async def story() -> None:
        nonlocal cost, right, sure
        for _ in range(questions):
            word = random.betavariate(4, 1.3)
            cheap = Guess(right=random.random() < word, confidence=word)
            strong = Guess(right=random.random() < 0.95, confidence=1)
            asked = [
                respondent("cheap", cheap, 1.5, CHEAP),
                respondent("strong", strong, 6, STRONG),
            ]
            found = await cascade(
                "bench",
                asked,
                confidence=lambda guess: guess.confidence,
                threshold=threshold,
                otherwise=take_best(),
            )
            cost += found.record.usd
            right += found.value.right
            sure += found.record.via == "cheap"

    run(story())
    accepted = sure / questions
    return {
        "strategy": "cascade",
        "threshold": threshold,
        "accepted": round(accepted, 3),
        "usd_a_question": round(float(cost) / questions, 3),
        "by_formula": round(expected_usd([(float(CHEAP), accepted), (float(STRONG), 1)]), 3),
        "strong_alone": float(STRONG),
        "quality": round(right / questions, 3),
    }


def voted(seed: int, questions: int, voters: int, correlation: float) -> Figures:
    """Let voters of accuracy 0.8 vote whose chances are drawn together (beta-binomial)."""
    random = Random(seed)  # noqa: S311 - a simulation
    right = 0
    times: list[float] = []
    slowest: list[float] = []

    async def story() -> None:
        nonlocal right
        for _ in range(questions):
            chance = _shared(random, 0.8, correlation)
            seconds = [straggling(random) for _ in range(voters)]
            said = [Guess(right=random.random() < chance, confidence=1) for _ in seconds]
            start = elapsed()
            found = await vote(
                "bench",
                [
                    respondent(f"m{n}", *given, STRONG)
                    for n, given in enumerate(zip(said, seconds, strict=True))
                ],
                key=lambda guess: guess.right,
                otherwise=give_up(),
            )
            times.append(elapsed() - start)
            slowest.append(max(seconds))
            right += found.value.right

    run(story())
    quorum = voters // 2 + 1
    return {
        "strategy": "vote",
        "voters": voters,
        "quorum": quorum,
        "correlation": correlation,
        "quality": round(right / questions, 3),
        "by_formula": round(majority_accuracy(voters, quorum, 0.8, correlation), 3),
        "mean_s": round(mean(times), 1),
        "mean_slowest_s": round(mean(slowest), 1),
    }


def _shared(random: Random, accuracy: float, correlation: float) -> float:
    """Draw the chance all voters share on one question."""
    if correlation == 0:
        return accuracy
    weight = (1 - correlation) / correlation
    return random.betavariate(accuracy * weight, (1 - accuracy) * weight)


def packed(items: int, size: int) -> Figures:
    """Estimate the input tokens of remarks of 25 words under instructions of 200 words."""
    remarks = [
        PackItem(id=f"r{n}", text="The delivery came late again, but " * 4) for n in range(items)
    ]

    def tokens(given: list[PackItem]) -> int:
        prompt = Prompt(
            name="tone",
            version=1,
            system="Rate the tone of each remark as the guide says. " * 20,
            user=items_block(given),
            answer="Tones",
        )
        return prompt_tokens(prompt)

    packs = packs_of(remarks, size, 100_000)
    alone = sum(tokens([remark]) for remark in remarks)
    return {
        "strategy": "pack",
        "items": items,
        "max_items": size,
        "calls": len(packs),
        "input_tokens": sum(map(tokens, packs)),
        "input_tokens_alone": alone,
        "saved": round(1 - sum(map(tokens, packs)) / alone, 2),
    }


def figures(seed: int, calls: int) -> Iterator[Figures]:
    """Give every figure; the larger `calls`, the less they owe to chance."""
    yield from (hedged(seed, calls, share) for share in (0.8, 0.9, 0.95, 0.97, 0.99))
    yield from (cascaded(seed, calls, threshold) for threshold in (0.7, 0.85, 0.95))
    yield from (voted(seed, calls, 3, correlation) for correlation in (0.0, 0.3, 0.6))
    yield from (packed(200, size) for size in (5, 20, 50))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench.strategies", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--calls", type=int, default=4_000)
    options = parser.parse_args()
    for figure in figures(options.seed, options.calls):
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
