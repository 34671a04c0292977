"""Due diligence: the parties of a case, each screened by a child workflow once it is known."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from temporalio import workflow

from workflows.calls import HEARTBEAT, KEEP_DOCUMENT, ask
from workflows.data.case_file import CaseFile, Party
from workflows.data.documents import Document
from workflows.data.findings import Check, CheckResult, Evidence
from workflows.data.party import PARTY_WORKFLOW, PartyOrder, PartyScreened
from workflows.data.sources import Liveness
from workflows.errors import Misuse
from workflows.patterns.process import Process
from workflows.patterns.together import Group
from workflows.rules.dd import parties as rules
from workflows.rules.dd.sheet import unavailable
from workflows.steps.dd.table import party_checks


class Parties:
    """Who is known besides the subject. `keep` is told what each check of a party came to.

    At most `case.screening.parties` are screened, `at_once` at a time; `beyond` holds the rest.
    """

    def __init__(
        self, process: Process, case: CaseFile, keep: Callable[[CheckResult], None]
    ) -> None:
        self.process, self.case, self._keep = process, case, keep
        self.known: dict[str, Party] = {}
        self.roles: dict[str, set[str]] = {}
        self.beyond: list[Party] = []
        subject = case.subject
        self._ids: dict[rules.Key, str] = {rules.key("Company", subject.name): subject.party_id}
        self._taken: set[str] = {subject.party_id, rules.BEYOND}
        self._taken |= {r.party_id for r in case.references.referees}
        self._room = asyncio.Semaphore(case.screening.at_once)
        self._group: Group | None = None
        self._round = 0

    def open(self, group: Group, number: int) -> None:
        """Screen in `group` whoever is found from now on: evidence round `number` begins."""
        self._group, self._round = group, number

    def found(self, party: Party) -> str:
        """Screen a party that is not known yet. Gives the id it is known under."""
        key = rules.key_of(party)
        if (same := self._ids.get(key)) is None:
            party = rules.named_apart(party, self._taken)
            self._ids[key] = same = party.party_id
            self._taken.add(same)
            self._admit(party)
        self.roles.setdefault(same, set()).add(party.role)
        return same

    def again(self, party_id: str, checks: Sequence[Check]) -> None:
        """Repeat checks of a party in this round."""
        if self._group is None:
            raise Misuse("parties are screened within a round; call open(...) first")
        self._group.start(self._screened(self.known[party_id], tuple(checks)))

    async def name_beyond(self) -> None:
        """Name those who were not screened: all in a document, the first in the evidence."""
        if not self.beyond:
            return
        names = "\n".join(f"{p.party_id}\t{p.kind}\t{p.role}\t{p.name}" for p in self.beyond)
        kept = await ask(KEEP_DOCUMENT, Document(text=names))
        first = ", ".join(p.name for p in self.beyond[: rules.SHOWN])
        seen = Evidence(
            id="",
            source="case",
            record=f"document {kept.sha256}",
            liveness=Liveness.LIVE,
            retrieved_at=workflow.now(),
            sha256=kept.sha256 or "",
            excerpt=f"{len(self.beyond)} parties: {first}"[:1000],
        )
        self._keep(rules.unscreened(self.beyond, self.case.screening.parties, seen))

    def _admit(self, party: Party) -> None:
        if len(self.known) >= self.case.screening.parties:
            self.beyond.append(party)
            return
        self.known[party.party_id] = party
        self.again(party.party_id, party_checks(party))

    async def _screened(self, party: Party, checks: tuple[Check, ...]) -> None:
        """Screen one party once there is room; a screening that fails leaves gaps, never a pass."""
        name = f"party-{party.party_id}"
        branch = f"{name}-round-{self._round}" if self._round else name

        def otherwise(why: str) -> tuple[CheckResult, ...]:
            return tuple(unavailable(c, why, party.party_id) for c in checks)

        async with self._room:
            work = partial(self._child, branch, party, checks)
            for result in await self.process.branch(branch, work, otherwise):
                self._keep(result)

    async def _child(
        self, branch: str, party: Party, checks: tuple[Check, ...]
    ) -> tuple[CheckResult, ...]:
        assert self.process.roles is not None  # noqa: S101 - resolved before any check
        order = PartyOrder(
            case=rules.without_parties(self.case),
            party=party,
            checks=checks,
            roles=self.process.roles,
            budget=self.process.budget.order if self.process.budget else None,
            round=self._round,
        )
        suffix = f"-{self._round}" if self._round else ""
        said: PartyScreened = await workflow.execute_child_workflow(
            PARTY_WORKFLOW,
            order,
            id=f"{workflow.info().workflow_id}-{party.party_id}{suffix}",
            result_type=PartyScreened,
            task_timeout=HEARTBEAT,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            static_summary=branch,
        )
        self.process.add_cost(said.cost.model_copy(update={"by_branch": {branch: said.cost.usd}}))
        return said.checks
