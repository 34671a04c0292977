"""The world of the tests of queries, for a worker process that may be killed."""

from datetime import timedelta
from pathlib import Path

from tests.flows.asked import Asked
from tests.support.flows import Answers

WORKFLOWS = [Asked]
STEPS = ()
OPTIONS = {"sticky": timedelta(seconds=3)}
"""For so long a query waits for the worker that kept the case: time for the task to be taken."""


def answers(log: Path) -> Answers:
    """Nothing is called."""
    return {}
