"""World Bank: firms and persons barred from its contracts, as one list (a key in the header)."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from activities.sources.connector import Connector, Extract, Inquire, Inquiry, Nonsense, day
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.names.compare import compare
from workflows.data.registers import Debarment, DebarmentsAnswer, DebarmentsQuery
from workflows.data.sources import SourceState

PATH = "/dvsvc/v1.0/json/APPLICATION/ADOBE_EXPRNCE_MGR/FIRM/SANCTIONED_FIRM"
PERSON = "I"
FOR_EVER = "2999"
"""Year that stands for no end."""


class WorldBank(Connector[DebarmentsQuery, DebarmentsAnswer]):
    """The listing of ineligible firms and individuals, downloaded and searched here."""

    call = calls.DEBARMENTS
    service = "worldbank"
    source = "World Bank, ineligible firms"
    licence = "World Bank terms of use"

    def inquire(self, query: DebarmentsQuery, endpoint: Endpoint) -> Inquiry:
        """Fetch the list and search it. An empty list is nonsense: it would clear everybody."""
        headers = {"accept": "application/json"}
        if endpoint.key:
            headers["apikey"] = endpoint.key
        page = yield Inquire(HttpRequest("GET", PATH, headers=headers), absent=frozenset())
        rows = page.json()["response"]["ZPROCSUPP"]
        if not rows:
            raise Nonsense("the list is empty")
        found = [row for row in rows if _alike(query.name, row)]
        state = SourceState.FOUND if found else SourceState.NONE
        entries = tuple(_entry(row) for row in found)
        return Extract(state, {"entries": entries, "list_version": sha256(page.body).hexdigest()})


def _alike(name: str, row: Mapping[str, Any]) -> bool:
    kind = "Person" if row.get("SUPP_TYPE_CODE") == PERSON else "Company"
    return compare(name, row["SUPP_NAME"], kind).matched


def _entry(row: Mapping[str, Any]) -> Debarment:
    until = row.get("DEBAR_TO_DATE") or ""
    return Debarment(
        name=row["SUPP_NAME"].strip(),
        country=row.get("LAND1") or "",
        since=day(row.get("DEBAR_FROM_DATE")),
        until=None if until.startswith(FOR_EVER) else day(until),
        grounds=row.get("DEBAR_REASON") or "",
    )
