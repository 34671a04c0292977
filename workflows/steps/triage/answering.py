"""The answer to a mail: a template, or a draft that is checked and mended once, or drafted by what
the check of the mail found.
"""

from workflows.data.email_triage import (
    Checks,
    DraftCheck,
    DraftClaim,
    DraftedAnswer,
    IncomingMail,
    MailReading,
    Path,
    SupportDesk,
)
from workflows.patterns.bounds import Bounds
from workflows.patterns.otherwise import take_best
from workflows.patterns.refine import Refined, refine
from workflows.patterns.rounds import Draft, Score, Turn
from workflows.prompts import email_triage as prompts
from workflows.rules import email_triage as rules
from workflows.steps.triage.notes import Notes

UNCHECKED = "the fact check gave no answer"
UNWRITTEN = "no model gave a draft"


class Answering:
    """Writes one answer. `doubt` says why a draft may not go out unread; empty if it may.

    `found` is what the fact check of the mail found, where that is checked; None without an answer.
    """

    def __init__(self, notes: Notes, mail: IncomingMail, desk: SupportDesk) -> None:
        self.notes, self.mail, self.desk = notes, mail, desk
        self.doubt = ""
        self.found: tuple[DraftClaim, ...] | None = None
        self._checks: dict[str, tuple[DraftClaim, ...]] = {}

    async def write(self, path: Path, read: MailReading) -> str:
        """Fill in a template, or draft, check the draft and mend it once; empty if that fails."""
        if path not in rules.DRAFTED:
            answer = rules.template(read.category, self.desk)
        else:
            self.doubt = UNWRITTEN
            work = self._once if self.desk.checks is Checks.MAIL else self._drafted
            drafted = await self.notes.noted("draft", lambda: work(read))
            answer = drafted.text if drafted else ""
            self.notes.know(checked=self._checks.get(answer, ()))
        self.notes.know(answer=answer)
        return answer

    async def _once(self, read: MailReading) -> DraftedAnswer:
        """Draft once, knowing what of the mail does not hold; figures are checked by rule."""
        found = self.found or ()
        asked = prompts.draft(self.mail, self.desk, read, "", rules.objections(found))
        drafted = await self.notes.value("analyst", asked, DraftedAnswer)
        by_rule = rules.unfounded(drafted.text, self.mail, self.desk)
        self.doubt = UNCHECKED if self.found is None else rules.objections(by_rule)
        self._checks[drafted.text] = (*found, *by_rule)
        self.notes.know(drafts=1)
        return drafted

    async def _drafted(self, read: MailReading) -> DraftedAnswer:
        """Draft until every statement is borne out, twice at most; the check reads the draft."""

        async def write(turn: Turn[DraftedAnswer]) -> Draft[DraftedAnswer]:
            last = turn.previous
            before, why = (last.value.text, last.reason) if last else ("", "")
            asked = prompts.draft(self.mail, self.desk, read, before, why)
            drafted = await self.notes.value("analyst", asked, DraftedAnswer, turn.round - 1)
            self.notes.know(drafts=turn.round)
            return Draft(drafted)

        bounds = Bounds(rounds=2, quality=1.0)
        best = take_best()
        refined: Refined[DraftedAnswer] = await refine(
            "answer", write, self._checked, bounds, otherwise=best
        )
        if refined.stopped == "quality":
            self.doubt = ""
        else:
            self.doubt = rules.objections(self._checks.get(refined.value.text, ())) or UNCHECKED
        return refined.value

    async def _checked(self, draft: DraftedAnswer) -> Score:
        """Hold each statement of a draft against the mail and the known facts."""
        asked = prompts.check(self.mail, self.desk, draft.text)
        found = await self.notes.reading("fact check", "reviewer", asked, DraftCheck)
        by_rule = rules.unfounded(draft.text, self.mail, self.desk)
        claims = (*(found.claims if found else ()), *by_rule)
        self._checks[draft.text] = claims
        if found is None:
            return Score(0.0, UNCHECKED)
        held = sum(c.supported for c in claims) / len(claims) if claims else 1.0
        return Score(held, rules.objections(claims))
