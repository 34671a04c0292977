"""The doors to sources: one method per Call."""

from collections.abc import Iterable, Mapping

from activities.journalled import CallDesk
from activities.sources.companies_house import CompaniesHouse
from activities.sources.connector import Connector
from activities.sources.desk import SourceDesk
from activities.sources.dns import Dns
from activities.sources.edgar import CompanyFacts, Filings, Registrants
from activities.sources.gleif import Gleif, GleifParents
from activities.sources.news import News
from activities.sources.ofac import Ofac
from activities.sources.officers import (
    CompaniesHouseInsolvency,
    CompaniesHouseOfficers,
    DisqualifiedOfficers,
)
from activities.sources.opensanctions import (
    DebarredCopy,
    DisqualifiedCopy,
    ExposedPersons,
    OpenSanctions,
)
from activities.sources.owners import CompaniesHouseOwners
from activities.sources.vies import Vies
from activities.sources.worldbank import WorldBank
from runtime.settings import Settings
from store.database import Store
from workflows import calls
from workflows.calls import Call, In, Out
from workflows.data.news import DomainAnswer, DomainQuery, NewsAnswer, NewsQuery
from workflows.data.registers import (
    DebarmentsAnswer,
    DebarmentsQuery,
    DisqualificationsAnswer,
    DisqualificationsQuery,
    InsolvencyAnswer,
    InsolvencyQuery,
    OfficersAnswer,
    OfficersQuery,
    OwnersAnswer,
    OwnersQuery,
    ParentsAnswer,
    ParentsQuery,
    VatAnswer,
    VatQuery,
)
from workflows.data.sources import (
    CompanyAnswer,
    CompanyQuery,
    FactsAnswer,
    FactsQuery,
    FilingsAnswer,
    FilingsQuery,
    LeiAnswer,
    LeiQuery,
    Liveness,
    Retry,
    ScreenAnswer,
    ScreenQuery,
    SourceError,
    SourceState,
)

BRITISH = "GB-COH"
"""Scheme of the only register here that tells of owners, officers and insolvency."""
REGISTERS: Mapping[str, Connector[CompanyQuery, CompanyAnswer]] = {
    BRITISH: CompaniesHouse(),
    "CIK": Registrants(),
}
"""Which register knows numbers of a scheme."""


class SourceActivities:
    """Every answer may be `unavailable` or `rejected`; see `SourceDesk.query` for errors."""

    def __init__(self, settings: Settings, store: Store, calls: CallDesk) -> None:
        self._desk = SourceDesk(settings, store, calls)
        self._store = store
        self._live = settings.live
        self._ofac = Ofac()

    async def company_register(self, query: CompanyQuery) -> CompanyAnswer:
        """Look a company up in the register its identifier's scheme belongs to."""
        scheme = query.identifier.scheme
        if register := REGISTERS.get(scheme):
            return await self._desk.query(register, query)
        return self._no_register(calls.COMPANY, scheme, REGISTERS)

    async def lei_record(self, query: LeiQuery) -> LeiAnswer:
        """Look an LEI up."""
        return await self._desk.query(Gleif(), query)

    async def sanctions_search(self, query: ScreenQuery) -> ScreenAnswer:
        """Search the sanctions lists by a list service."""
        return await self._desk.query(OpenSanctions(), query)

    async def sanctions_list_file(self, query: ScreenQuery) -> ScreenAnswer:
        """Search a sanctions list by its own file; the fallback of the list service."""
        return await self._desk.query(self._ofac, query)

    async def pep_search(self, query: ScreenQuery) -> ScreenAnswer:
        """Search politically exposed persons."""
        return await self._desk.query(ExposedPersons(), query)

    async def filings(self, query: FilingsQuery) -> FilingsAnswer:
        """List a registrant's filings."""
        return await self._desk.query(Filings(), query)

    async def company_facts(self, query: FactsQuery) -> FactsAnswer:
        """List a registrant's figures."""
        return await self._desk.query(CompanyFacts(), query)

    async def owners(self, query: OwnersQuery) -> OwnersAnswer:
        """Ask the register of a company for its controllers."""
        if query.identifier.scheme != BRITISH:
            return self._no_register(calls.OWNERS, query.identifier.scheme, (BRITISH,))
        return await self._desk.query(CompaniesHouseOwners(), query)

    async def officers(self, query: OfficersQuery) -> OfficersAnswer:
        """Ask the register of a company for its directors and secretaries."""
        if query.identifier.scheme != BRITISH:
            return self._no_register(calls.OFFICERS, query.identifier.scheme, (BRITISH,))
        return await self._desk.query(CompaniesHouseOfficers(), query)

    async def insolvency(self, query: InsolvencyQuery) -> InsolvencyAnswer:
        """Ask the register of a company for its insolvency cases."""
        if query.identifier.scheme != BRITISH:
            return self._no_register(calls.INSOLVENCY, query.identifier.scheme, (BRITISH,))
        return await self._desk.query(CompaniesHouseInsolvency(), query)

    async def disqualifications(self, query: DisqualificationsQuery) -> DisqualificationsAnswer:
        """Search the register of disqualified directors."""
        return await self._desk.query(DisqualifiedOfficers(), query)

    async def debarments(self, query: DebarmentsQuery) -> DebarmentsAnswer:
        """Search the list of those a development bank has barred."""
        return await self._desk.query(WorldBank(), query)

    async def disqualifications_copy(self, query: ScreenQuery) -> ScreenAnswer:
        """Search a copy of the register of disqualified directors; its fallback."""
        return await self._desk.query(DisqualifiedCopy(), query)

    async def debarments_copy(self, query: ScreenQuery) -> ScreenAnswer:
        """Search copies of lists of the barred; the fallback of the bank's own."""
        return await self._desk.query(DebarredCopy(), query)

    async def parents(self, query: ParentsQuery) -> ParentsAnswer:
        """Ask the LEI system who consolidates a company."""
        return await self._desk.query(GleifParents(), query)

    async def vat_number(self, query: VatQuery) -> VatAnswer:
        """Ask VIES for a VAT number."""
        return await self._desk.query(Vies(), query)

    def _no_register(self, call: Call[In, Out], scheme: str, known: Iterable[str]) -> Out:
        """Reject a scheme no register is known for."""
        return call.output.model_validate(
            {
                "source": "company registers",
                "state": SourceState.REJECTED,
                "liveness": Liveness.LIVE if self._live else Liveness.SIMULATED,
                "retrieved_at": self._store.clock(),
                "error": SourceError(
                    code="unknown_scheme",
                    retry=Retry.NEVER,
                    detail=f"no register for {scheme!r}; use one of {', '.join(known)}",
                ),
            }
        )

    async def news_search(self, query: NewsQuery) -> NewsAnswer:
        """Search the press."""
        return await self._desk.query(News(), query)

    async def domain_name(self, query: DomainQuery) -> DomainAnswer:
        """Ask the name servers about a domain."""
        return await self._desk.query(Dns(), query)
