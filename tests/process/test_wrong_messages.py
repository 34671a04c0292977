"""Messages that do not fit: refused with what is wrong, never a stuck workflow."""

import itertools
import secrets
from datetime import timedelta

import pytest
from temporalio.api.sdk.v1.external_storage_pb2 import ExternalStorageReference
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.converter import JSONProtoPayloadConverter
from temporalio.exceptions import ApplicationError

from tests.support.world import World, case_file
from workflows.data.memo import ENTRIES

pytestmark = pytest.mark.server


async def test_a_case_that_does_not_fit_fails_at_once_and_says_why(here: World) -> None:
    """Started by another service with an unknown field and a bad LEI."""
    given = case_file("unilever").model_dump(mode="json")
    given["subject"]["identifiers"][1]["value"] = "549300MKFYEKVRWML318"
    given["colour"] = "blue"
    handle = await here.client.start_workflow(
        "due-diligence",
        given,
        id=f"dd-wrong-{secrets.token_hex(4)}",
        task_queue=here.queue,
        task_timeout=timedelta(seconds=5),
    )
    here.started.append(handle)
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    why = caught.value.cause
    assert isinstance(why, ApplicationError)
    assert why.type == "InvalidInput"
    assert "colour" in why.message
    assert "check digits" in why.message


async def test_a_memo_that_does_not_fit_fails_the_case_at_once(here: World) -> None:
    """What would be read only later, too: such a case was stuck."""
    for name, value in itertools.product(ENTRIES, (7, {"a": "b"})):
        handle = await here.begin("due-diligence", case_file("unilever"), memo={name: value})
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, ApplicationError)
        assert (caught.value.cause.type, name in caught.value.cause.message) == ("Misuse", True)


@pytest.mark.parametrize(
    "message", [{"verdict": "perhaps", "by": "ana"}, {"by": "ana"}, "approve", 7, None, []], ids=str
)
async def test_an_update_that_does_not_fit_is_refused(here: World, message: object) -> None:
    """The case goes on waiting and answers the next decision."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update("decide", message)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "InvalidInput"
    assert (await here.decide(handle, "approve", "ana")).settled


async def test_a_signal_that_does_not_fit_is_dropped(here: World) -> None:
    """A reply of the wrong shape counts as none, nor does one that refers to nothing."""
    handle = await here.start(case_file("unilever"))
    await handle.signal("reference_reply", {"party_id": 7})
    await handle.signal("reference_reply", "nonsense")
    for driver in ("braid-blobs", "nobody's"):
        told = ExternalStorageReference(driver_name=driver, claim_data={"sha256": "0" * 64})
        payload = JSONProtoPayloadConverter().to_payload(told)
        assert payload is not None
        nothing = RawValue(payload)
        await handle.signal("reference_reply", nothing)
        with pytest.raises(WorkflowUpdateFailedError, match="failed") as caught:
            await handle.execute_update("decide", nothing)
        assert "what it refers to, is not here" in str(caught.value.cause)
    await here.gate(handle)
    assert (await here.decide(handle, "approve", "ana")).settled
