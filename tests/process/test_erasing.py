"""Erasure: no byte of a case's content is left, and nothing of another case is gone."""

import json
from pathlib import Path

import pytest
from temporalio.service import RPCError

from cli.erasing import erase, tell
from cli.errors import BadInput
from cli.session import Session
from scripts.stories.due_diligence import NAMED
from tests.support.world import Handle, World, case_file, example
from workflows.data.email_triage import TriageCase, TriageResult

pytestmark = pytest.mark.server
FILLER = "Our order has not come and nobody answers the phone. " * 700
"""Longer than what stays inline: the mail goes to the store as a document too."""


def mail_about(secret: str) -> TriageCase:
    given = example("email-triage/urgent", TriageCase)
    mail = given.mail.model_copy(update={"text": f"{secret}. {FILLER}", "subject": secret})
    return given.model_copy(update={"mail": mail})


def kept(here: World) -> bytes:
    """Give all bytes of the store: its file and its log."""
    files = Path(here.settings.data).glob("store.db*")
    return b"".join(file.read_bytes() for file in files)


async def answered(here: World, secret: str) -> Handle:
    handle = await here.begin("email-triage", mail_about(secret))
    await here.done(handle, TriageResult)
    return handle


async def test_no_byte_of_an_erased_case_is_left_and_all_of_the_other(
    here: World, tmp_path: Path
) -> None:
    ours, theirs = await answered(here, "quillfeather-4417"), await answered(here, "plum-9903")
    assert b"quillfeather-4417" in kept(here), "or this test could not fail"
    session = Session(here.client, here.settings, None, None)

    found = await erase(session, ours.id, sure=False)
    assert (found.held["replies"] > 0, found.held["blobs"] > 0) == (True, True)
    assert b"quillfeather-4417" in kept(here), "only told what would go"

    proof = tmp_path / "proof.json"
    done = await erase(session, ours.id, sure=True)
    tell(done, proof, as_json=True)
    assert (done.held, done.whole()) == (found.held, True)
    assert b"quillfeather-4417" not in kept(here)
    assert json.loads(proof.read_text("utf-8"))["left"] == done.left
    assert "quillfeather" not in proof.read_text("utf-8")
    with pytest.raises(RPCError, match="not found"):
        await ours.describe()

    assert b"plum-9903" in kept(here)
    assert TriageResult.model_validate(await theirs.result()).outcome
    again = await here.client.get_workflow_handle(theirs.id).query("status")
    assert again["outcome"], "its documents are still read"


async def test_a_case_that_runs_or_is_part_of_another_is_not_erased(here: World) -> None:
    session = Session(here.client, here.settings, None, None)
    handle = await here.start(case_file("unilever", parties=NAMED))
    await here.gate(handle)
    with pytest.raises(BadInput, match="still runs"):
        await erase(session, handle.id, sure=True)
    party = f"{handle.id}-director-1"
    with pytest.raises(BadInput, match=f"part of {handle.id}"):
        await erase(session, party, sure=True)
    await here.decide(handle, "approve", "ana")
    assert (await here.result(handle)).outcome == "approve"
