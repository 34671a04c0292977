"""What the worker process of the batch tests serves besides the product's activities."""

from tests.flows.batch import OneReference, References

WORKFLOWS = (References, OneReference)
