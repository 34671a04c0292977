"""Doors: the activity a Call names, with records that survive the wire."""

import pytest
from temporalio import activity

from activities.budgets import BudgetActivities
from activities.bulk import BulkActivities
from activities.cleared import ClearedActivities
from activities.documents import DocumentActivities
from activities.doors import door
from activities.effects.doors import EffectActivities
from activities.llm.ask import ModelActivities
from activities.llm.batches import BatchActivities
from activities.load import LoadActivities
from activities.paces import PaceActivities
from activities.promotion import PromotionActivities
from activities.results import ResultActivities
from activities.services import ServiceActivities
from activities.sources.doors import SourceActivities
from activities.steps import StepActivities
from runtime.conversion import DATA_CONVERTER
from tests.activities.running import run
from workflows import calls
from workflows.data.sources import (
    LeiAnswer,
    LeiQuery,
    Liveness,
    SourceState,
)

NOW = "2026-11-21T00:00:00Z"


class Desk:
    async def lei(self, query: LeiQuery) -> LeiAnswer:
        """Answer from nothing."""
        return LeiAnswer.model_validate(
            {
                "source": query.lei,
                "state": SourceState.NONE,
                "liveness": Liveness.SIMULATED,
                "retrieved_at": NOW,
            }
        )


def test_an_activity_is_named_and_typed_by_its_call() -> None:
    made = door(calls.LEI, Desk().lei)
    definition = activity._Definition.must_from_callable(made)
    assert definition.name == "lei_record"
    assert definition.arg_types == [LeiQuery]
    assert definition.ret_type is LeiAnswer


async def test_a_bound_method_answers() -> None:
    assert (await run(calls.LEI, Desk().lei, LeiQuery(lei="X"))).source == "X"


async def test_the_converter_decodes_what_a_door_declares() -> None:
    definition = activity._Definition.must_from_callable(door(calls.LEI, Desk().lei))
    payloads = await DATA_CONVERTER.encode([LeiQuery(lei="X")])
    assert await DATA_CONVERTER.decode(payloads, definition.arg_types) == [LeiQuery(lei="X")]


def test_a_wrong_pairing_is_a_type_error() -> None:
    """Mypy must complain here: were it content, the unused ignore would fail `make check`."""
    door(calls.COMPANY, Desk().lei)  # type: ignore[arg-type]


@pytest.mark.parametrize("call", calls.ALL, ids=lambda call: call.name)
def test_every_call_has_one_method_of_its_name(call: calls.Call[LeiQuery, LeiAnswer]) -> None:
    holders = (
        ModelActivities,
        SourceActivities,
        EffectActivities,
        LoadActivities,
        StepActivities,
        BulkActivities,
        ResultActivities,
        ServiceActivities,
        BatchActivities,
        BudgetActivities,
        DocumentActivities,
        ClearedActivities,
        PaceActivities,
        PromotionActivities,
    )
    assert sum(hasattr(holder, call.name) for holder in holders) == 1
