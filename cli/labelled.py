"""Read labelled answers: JSON lines from a file, or the bank the simulator makes for the demo."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from cli.errors import BadInput, Trouble
from insight.confidence.labelled import LabelledAnswer, best_model, with_baseline

DEMO_QUESTIONS = 600
SHOWN = 5
"""Mistakes of a file that are named; the rest is counted."""
_MENDS = {
    "missing": "add it to every line",
    "bool_type": "write true or false",
    "greater_than_equal": "write a share between 0 and 1, as 0.85",
    "less_than_equal": "write a share between 0 and 1, as 0.85",
    "float_type": "write a share between 0 and 1, as 0.85",
    "float_parsing": "write a share between 0 and 1, as 0.85",
    "string_type": "write text",
}


@dataclass(frozen=True)
class LabelledFile:
    """Labelled answers, the sha256 of what they were read from, and fields nobody reads."""

    answers: Sequence[LabelledAnswer]
    sha256: str
    unread: Sequence[str]


def read_file(path: Path) -> LabelledFile:
    """Read a file of JSON lines. Raises BadInput with line, field and mend."""
    try:
        return read_lines(path.read_bytes(), str(path))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give a JSONL file") from error


async def demo_bank(simulator: str, models: Iterable[str], seed: int) -> LabelledFile:
    """Fetch the simulator's answers of each model to the same questions; the best model is the
    others' baseline. Raises Trouble.
    """
    parts = []
    async with httpx.AsyncClient(base_url=simulator, trust_env=False, timeout=30) as client:
        for model in models:
            asked: dict[str, str | int] = {"n": DEMO_QUESTIONS, "model": model, "seed": seed}
            try:
                answer = await client.get("/_simulator/labelled", params=asked)
                answer.raise_for_status()
            except httpx.HTTPError as error:
                raise Trouble(f"the simulator gives no labelled answers: {error}") from error
            parts.append(answer.content.strip() + b"\n")
    bank = read_lines(b"".join(parts), "the simulator's bank")
    return replace(bank, answers=with_baseline(bank.answers, best_model(bank.answers)))


def read_lines(raw: bytes, name: str) -> LabelledFile:
    """Read JSON lines that came from `name`; empty lines are passed over. Raises BadInput."""
    answers: list[LabelledAnswer] = []
    wrong: list[str] = []
    unread: dict[str, None] = {}
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            answers.append(LabelledAnswer.model_validate(fields))
            unread |= dict.fromkeys(f for f in fields if f not in LabelledAnswer.model_fields)
        except ValidationError as error:
            wrong += [f"{name}: line {number}: {_said(e)}" for e in error.errors()]
        except ValueError as error:
            wrong.append(f"{name}: line {number}: not JSON ({error}); write one object a line")
    if len(wrong) > SHOWN:
        wrong = [*wrong[:SHOWN], f"{name}: and {len(wrong) - SHOWN} more mistakes"]
    if wrong:
        raise BadInput("\n".join(wrong))
    return LabelledFile(answers, sha256(raw).hexdigest(), list(unread))


def _said(error: Any) -> str:
    field = str(error["loc"][0]) if error["loc"] else "answer"
    mend = _MENDS.get(error["type"], 'write {"confidence": 0.85, "correct": true}')
    return f"{field}: {error['msg']}: {mend}"
