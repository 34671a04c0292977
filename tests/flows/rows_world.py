"""The world of the row tests, for a worker process that may be killed."""

from tests.flows import rows, steps_world

WORKFLOWS = rows.WORKFLOWS
STEPS = rows.STEPS
answers = steps_world.answers
