"""Due diligence: evidence is gathered, of the subject and of its parties, round by round."""

from collections.abc import Callable, Mapping, Sequence

from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import Check, CheckResult
from workflows.patterns.process import Process
from workflows.patterns.together import Group
from workflows.rules.dd import parties as rules
from workflows.rules.dd.routing import ENOUGH_CONFIDENCE
from workflows.rules.dd.sheet import renewed
from workflows.steps.dd.desk import CheckDesk
from workflows.steps.dd.parties import Parties
from workflows.steps.dd.table import LAST, ONCE, STEPS, run_check, subject_checks

Key = tuple[str, Check]


class Gathering:
    """What the checks of a case came to, and those still under way.

    Subject and parties are checked at once. A party that a check discovers joins in; nothing waits
    for anything but the last check for all others. `ended` is told of each check
    at once, `confirmed` of a party on a sanctions list beyond doubt.
    """

    def __init__(
        self,
        process: Process,
        case: CaseFile,
        ended: Callable[[CheckResult], None],
        confirmed: Callable[[], None],
    ) -> None:
        self.process, self.case, self._ended = process, case, ended
        self._results: dict[Key, CheckResult] = {}
        self._parties = Parties(process, case, self._keep)
        self.desk = CheckDesk(
            process,
            case,
            case.subject,
            self._parties.found,
            confirmed,
            results=lambda: self.checks,
            parties=lambda: self.parties,
        )

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Give what has ended: the subject's checks in order, then those of parties, by check and
        party; which one ended first does not show.
        """
        of_subject, order = self.case.subject.party_id, list(Check)

        def place(c: CheckResult) -> tuple[bool, int, str]:
            return c.party_id != of_subject, order.index(c.check), c.party_id

        return tuple(sorted(self._results.values(), key=place))

    @property
    def parties(self) -> tuple[Party, ...]:
        """Give the parties that are screened, named and discovered."""
        return tuple(self._parties.known.values())

    async def first(self) -> None:
        """Start all checks and the screening of the named parties in one workflow task."""
        await self._round(subject_checks(), {}, self.case.parties)

    async def again(self) -> None:
        """Do again, once, the checks with gaps, and those too unsure to decide by.

        What a source answered is not asked again; a model that was unsure is.
        """
        self.desk.round += 1
        weak = [c for c in self.checks if c.gaps or c.confidence < ENOUGH_CONFIDENCE]
        open_checks = [c for c in weak if c.check not in ONCE]
        of_parties: dict[str, list[Check]] = {p.party_id: [] for p in self.parties}
        for result in open_checks:
            if result.party_id in of_parties:
                of_parties[result.party_id].append(result.check)
        subject = self.case.subject.party_id
        again = [c.check for c in open_checks if c.party_id == subject]
        await self._round(again, {p: checks for p, checks in of_parties.items() if checks})

    def weighed(self, checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
        """Weigh hits on parties by who they are, and by what they own of the subject together."""
        hits, owned = rules.sanctioned(checks), self.desk.owned_by
        if hits and owned is not None:
            low, high = owned(frozenset(hits))
            checks = [
                rules.owned_by(c, hits, low, high) if c.check is Check.OWNERSHIP else c
                for c in checks
            ]
        roles = self._parties.roles
        return tuple(rules.weighed(c, roles.get(c.party_id, ())) for c in checks)

    async def _round(
        self,
        checks: Sequence[Check],
        parties: Mapping[str, Sequence[Check]],
        named: Sequence[Party] = (),
    ) -> None:
        async with Group() as group:
            self._parties.open(group, self.desk.round)
            for check in checks:
                group.start(self._check(check))
            for party in named:
                self._parties.found(party)
            for party_id, wanted in parties.items():
                self._parties.again(party_id, wanted)
        await self._parties.name_beyond()
        if LAST in STEPS:
            await self._check(LAST)

    async def _check(self, check: Check) -> None:
        number = self.desk.round
        branch = f"{check}-round-{number}" if number else str(check)
        self._keep(await run_check(self.desk, check, branch))

    def _keep(self, result: CheckResult) -> None:
        """Keep what a check came to; a repetition never loses what was found before."""
        key = result.party_id, result.check
        old = self._results.get(key)
        self._results[key] = result if old is None or result.check is LAST else renewed(old, result)
        self._ended(self._results[key])
