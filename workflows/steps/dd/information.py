"""Due diligence: the customer is asked for information, reminded, and waited for."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import KEEP_DOCUMENT, MAIL, ask
from workflows.data.case_file import CaseFile
from workflows.data.common import Decision, Verdict
from workflows.data.documents import Document
from workflows.data.effects import MailOrder
from workflows.data.findings import CheckResult
from workflows.data.information import InformationReply, InformationRequest, Wanted
from workflows.errors import reason
from workflows.patterns.clock import now, wait_for
from workflows.patterns.gate import value_as
from workflows.rules.dd.information import might_tip_off
from workflows.scope import log, told

TIPPING_OFF = "not asked, for it might be tipped off"
GIVEN_UP = "not waited for any more, for it might be tipped off"
UNSENT = "it could not be sent"
NO_ANSWER = "no answer by the deadline"


class InformationDesk:
    """Asks the customer, one request after the other; `requests` tells what came of each."""

    def __init__(self, case: CaseFile) -> None:
        self._case = case
        self.requests: list[InformationRequest] = []
        self._replies: dict[int, tuple[InformationReply, datetime]] = {}
        self._ended = asyncio.Event()
        self._stopped = False

    async def ask(self, decisions: Sequence[Decision], checks: Sequence[CheckResult]) -> None:
        """Ask the customer what reviewers want of it by `more`, and wait for its answer.

        Nothing is asked where nobody named a question, or where it might tip the customer off.
        """
        for said in decisions:
            if said.verdict is Verdict.MORE and said.value is not None:
                self._stopped = self._stopped or might_tip_off(checks)
                await self._ask(said, value_as(Wanted, said.value))

    def take(self, reply: InformationReply) -> str | None:
        """Take the customer's answer to the last request. Gives the reason if it cannot count.

        One that comes after the deadline is kept too; it does not close the gap by itself.
        """
        if reply.party_id != self._case.subject.party_id:
            return f"{reply.party_id} is not the customer of this case"
        number = len(self.requests)
        if number == 0 or number in self._replies:
            return "nothing is asked of the customer now; the first answer to a request counts"
        self._replies[number] = (reply, now())
        self._ended.set()
        return None

    def stop(self) -> None:
        """Ask and remind no more: it might tip the customer off."""
        self._stopped = True
        self._ended.set()

    def view(self) -> tuple[InformationRequest, ...]:
        """Give the requests as they stand, with answers that are not kept as documents yet."""
        return tuple(self._seen(request) for request in self.requests)

    def _seen(self, request: InformationRequest) -> InformationRequest:
        if request.number not in self._replies or request.answered is not None:
            return request
        reply, at = self._replies[request.number]
        seen = {"answered": at, "excerpt": reply.text[:1000], "simulated": reply.simulated}
        return request.model_copy(update=seen)

    async def filed(self) -> tuple[InformationRequest, ...]:
        """Give the requests, with the answers that came by now kept as documents."""
        for number, (reply, _) in list(self._replies.items()):
            if self.requests[number - 1].answered is None:
                self.requests[number - 1] = self._seen(self.requests[number - 1])
                self._update(number, document=await _kept(reply.text))
        return tuple(self.requests)

    async def _ask(self, said: Decision, wanted: Wanted) -> None:
        number, sent = len(self.requests) + 1, now()
        request = InformationRequest(
            number=number,
            by=said.by,
            wanted=wanted,
            sent=sent,
            deadline=sent + self._case.information.deadline,
        )
        self.requests.append(request)
        if self._stopped:
            self._update(number, note=TIPPING_OFF)
            return
        self._ended.clear()
        if not await self._mail(request, f"information-{number}"):
            self._update(number, note=UNSENT)
            return
        await self._answer(request)
        if number not in self._replies:
            self._update(number, note=GIVEN_UP if self._stopped else NO_ANSWER)

    async def _answer(self, request: InformationRequest) -> None:
        """Wait for the answer, reminding at each interval, until the deadline."""
        every, name = self._case.information.reminder, f"information-{request.number}"
        due, reminders = request.sent, 0
        while due < request.deadline:
            due = min(request.sent + every * (reminders + 1), request.deadline)
            if await wait_for(self._ended, due - now(), f"{name}: reminder or deadline"):
                return
            if due < request.deadline:
                reminders += 1
                self._update(request.number, reminders=reminders)
                await self._mail(request, f"{name}-reminder-{reminders}")

    async def _mail(self, request: InformationRequest, template: str) -> bool:
        """Mail the questions at most once each time. False if the mail was not sent for sure."""
        questions = "\n".join(f"{n}. {q}" for n, q in enumerate(request.wanted.questions, 1))
        until = f"{request.deadline:%Y-%m-%d}"
        order = MailOrder(
            template=template,
            party_id=self._case.subject.party_id,
            to=self._case.subject.contact,
            subject="Questions about your application",
            body=f"Please answer this mail by {until}:\n\n{questions}",
            reply_signal="information",
        )
        try:
            await ask(MAIL, order)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            log.warning("request not sent", extra=told(template=template, why=reason(error)))
            return False
        return True

    def _update(self, number: int, **changed: object) -> None:
        self.requests[number - 1] = self.requests[number - 1].model_copy(update=changed)


async def _kept(text: str) -> Document | None:
    """Keep a text as a document; if the store does not take it, the excerpt has to do."""
    try:
        return await ask(KEEP_DOCUMENT, Document(text=text))
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        log.warning("answer not kept", extra=told(why=reason(error)))
        return None
