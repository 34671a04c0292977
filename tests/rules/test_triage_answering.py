"""Answers to mails whose facts were checked, or not: what may go out unread. Without a server."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.patterns.asking import chain
from tests.support.world import example
from workflows.calls import open_door
from workflows.data.common import Record
from workflows.data.email_triage import Checks, DraftClaim, MailReading, Path, TriageCase
from workflows.data.llm import ModelAnswer, ModelRequest, Prompt, Usage
from workflows.errors import reason
from workflows.patterns.consult import Consulted, consult
from workflows.steps.triage.answering import UNCHECKED, UNWRITTEN, Answering
from workflows.steps.triage.notes import Notes

STRANGE = DraftClaim(text="It broke twice.", supported=False, why="no fact says so")


class Host:
    """What of a process the steps need: its branches, and the models of one role."""

    async def branch(
        self, _name: str, work: Callable[[], Awaitable[Any]], otherwise: Callable[[str], Any]
    ) -> Any:
        try:
            return await work()
        except Exception as error:
            return otherwise(reason(error))

    async def consult(
        self, _role: str, prompt: Prompt, record: type[Any], /, *, sample: int = 0
    ) -> Consulted[Any]:
        return await consult(chain("openai-a"), prompt, record, sample=sample)


@pytest.mark.parametrize(
    ("found", "text", "doubt", "unsupported"),
    [
        (None, "A person will look.", UNCHECKED, []),
        (None, "It takes 31 days.", UNCHECKED, ["31"]),
        ((), "A person will look.", "", []),
        ((STRANGE,), "A person will look.", "", [STRANGE.text]),
        ((STRANGE,), "It takes 31 days.", "31: stands neither in the", [STRANGE.text, "31"]),
        ((), "", UNWRITTEN, []),
    ],
)
def test_an_answer_whose_mail_was_not_checked_never_goes_out_unread(
    found: tuple[DraftClaim, ...] | None, text: str, doubt: str, unsupported: list[str]
) -> None:
    """A missing check is a gap, and a gap is never a pass."""
    case, asked = example("email-triage/urgent", TriageCase), list[str]()
    desk = case.desk.model_copy(update={"checks": Checks.MAIL})

    async def door(_call: Any, request: Record) -> Record:
        assert isinstance(request, ModelRequest)
        asked.append(request.prompt.user)
        said = f'{{"text": "{text}"}}'
        bill = {"usage": Usage(), "usd": Decimal(0), "simulated": True}
        return ModelAnswer(target=request.target, text=said, **bill)

    async def write() -> Answering:
        answering = Answering(Notes(Host(), case.case), case.mail, desk)
        answering.found = found
        with open_door(door):
            assert await answering.write(Path.DRAFTED, MailReading()) == text
        return answering

    made = asyncio.run(write())
    known = made.notes.known
    assert made.doubt.startswith(doubt)
    assert bool(made.doubt) == bool(doubt)
    assert [c.text for c in known.checked if not c.supported] == unsupported
    assert len(asked) == 1, "mail checked: drafted once"
    assert (STRANGE.text in asked[0]) == (STRANGE in (found or ()))
    assert [gap.split(":")[0] for gap in known.gaps] == ([] if text else ["draft"])
