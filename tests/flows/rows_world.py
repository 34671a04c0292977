"""The world of the row tests, for a worker process that may be killed."""

from tests.flows import row_workflows, rows, steps_world

WORKFLOWS = row_workflows.WORKFLOWS
STEPS = rows.STEPS
answers = steps_world.answers
