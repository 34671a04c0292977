"""The world of the tests of queries, for a worker process that may be killed."""

from pathlib import Path

from tests.flows.asked import Asked
from tests.support.flows import Answers

WORKFLOWS = [Asked]
STEPS = ()


def answers(log: Path) -> Answers:
    """Nothing is called."""
    return {}
