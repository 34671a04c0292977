"""The doors to sources: one method per Call."""

from collections.abc import Mapping

from activities.journalled import CallDesk
from activities.sources.companies_house import CompaniesHouse
from activities.sources.connector import Connector, SourceDesk
from activities.sources.edgar import CompanyFacts, Filings, Registrants
from activities.sources.gleif import Gleif
from activities.sources.ofac import Ofac
from activities.sources.opensanctions import OpenSanctions
from runtime.settings import Settings
from store.database import Store
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

REGISTERS: Mapping[str, Connector[CompanyQuery, CompanyAnswer]] = {
    "GB-COH": CompaniesHouse(),
    "CIK": Registrants(),
}
"""Which register knows numbers of a scheme."""


class SourceActivities:
    """Every answer may be `unavailable` or `rejected`; see `SourceDesk.query` for errors."""

    def __init__(self, settings: Settings, store: Store, calls: CallDesk) -> None:
        self._desk = SourceDesk(settings, store, calls)
        self._store = store
        self._live = settings.live

    async def company_register(self, query: CompanyQuery) -> CompanyAnswer:
        """Look a company up in the register its identifier's scheme belongs to."""
        scheme = query.identifier.scheme
        if register := REGISTERS.get(scheme):
            return await self._desk.query(register, query)
        return CompanyAnswer(
            source="company registers",
            state=SourceState.REJECTED,
            liveness=Liveness.LIVE if self._live else Liveness.SIMULATED,
            retrieved_at=self._store.clock(),
            error=SourceError(
                code="unknown_scheme",
                retry=Retry.NEVER,
                detail=f"no register for {scheme!r}; use one of {', '.join(REGISTERS)}",
            ),
        )

    async def lei_record(self, query: LeiQuery) -> LeiAnswer:
        """Look an LEI up."""
        return await self._desk.query(Gleif(), query)

    async def sanctions_search(self, query: ScreenQuery) -> ScreenAnswer:
        """Search the sanctions lists by a list service."""
        return await self._desk.query(OpenSanctions(), query)

    async def sanctions_list_file(self, query: ScreenQuery) -> ScreenAnswer:
        """Search a sanctions list by its own file; the fallback of the list service."""
        return await self._desk.query(Ofac(), query)

    async def filings(self, query: FilingsQuery) -> FilingsAnswer:
        """List a registrant's filings."""
        return await self._desk.query(Filings(), query)

    async def company_facts(self, query: FactsQuery) -> FactsAnswer:
        """List a registrant's figures."""
        return await self._desk.query(CompanyFacts(), query)
