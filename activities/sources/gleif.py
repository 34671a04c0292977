"""GLEIF: a legal entity's LEI record, its parents, or why it names none (JSON:API, no key)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from activities.sources.connector import NO_RECORD, Connector, Extract, Inquiry, Page, day, get
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.registers import ParentsAnswer, ParentsQuery
from workflows.data.sources import LeiAnswer, LeiEntry, LeiQuery, SourceState

ACCEPT = {"accept": "application/vnd.api+json"}


class Gleif(Connector[LeiQuery, LeiAnswer]):
    """The global LEI index, by LEI."""

    call = calls.LEI
    service = "gleif"
    source = "GLEIF"
    licence = "CC0"

    def inquire(self, query: LeiQuery, endpoint: Endpoint) -> Inquiry:  # noqa: ARG002
        """Ask for the record; where it names no direct parent, for the reason given.

        A 404 on a parent is a normal answer: the exception endpoint says why, or 404 again,
        which means unknown.
        """
        path = f"/api/v1/lei-records/{quote(query.lei, safe='')}"
        record = yield get(path, ACCEPT)
        if not record.found:
            return NO_RECORD
        links = _parent_links(record.json()["data"])
        parent_named = bool(links) and "reporting-exception" not in links
        if not links:
            parent = yield get(f"{path}/direct-parent", ACCEPT)
            parent_named = parent.found
        reason = ""
        if not parent_named:
            exception = yield get(f"{path}/direct-parent-reporting-exception", ACCEPT)
            reason = _reason(exception)
        return _extract(record.json(), reason)


class GleifParents(Connector[ParentsQuery, ParentsAnswer]):
    """Who consolidates a company, by LEI: accounting control, which says nothing of a share."""

    call = calls.PARENTS
    service = "gleif"
    source = "GLEIF, parents"
    licence = "CC0"

    def inquire(self, query: ParentsQuery, endpoint: Endpoint) -> Inquiry:  # noqa: ARG002
        """Ask at either level for the parent, and where none is named for the reason given.

        404 on both is a normal answer and means unknown.
        """
        path = f"/api/v1/lei-records/{quote(query.lei, safe='')}"
        fields: dict[str, object] = {}
        as_of = None
        for level in ("direct", "ultimate"):
            parent = yield get(f"{path}/{level}-parent", ACCEPT)
            if parent.found:
                found = _extract(parent.json(), "")
                fields[level], as_of = found.fields["entry"], as_of or found.as_of
                continue
            exception = yield get(f"{path}/{level}-parent-reporting-exception", ACCEPT)
            if reason := _reason(exception):
                fields[f"{level}_exception"] = reason
        return Extract(SourceState.FOUND, fields, as_of) if fields else NO_RECORD


def _parent_links(data: Mapping[str, Any]) -> Mapping[str, Any]:
    parent = (data.get("relationships") or {}).get("direct-parent") or {}
    links: Mapping[str, Any] = parent.get("links") or {}
    return links


def _reason(exception: Page) -> str:
    if not exception.found:
        return ""
    data = exception.json()["data"]
    entry = data[0] if isinstance(data, list) else data
    return str(entry["attributes"].get("reason") or "")


def _extract(record: Mapping[str, Any], reason: str) -> Extract:
    attributes = record["data"]["attributes"]
    entity, registration = attributes["entity"], attributes["registration"]
    address = entity.get("legalAddress") or {}
    entry = LeiEntry(
        lei=attributes["lei"],
        name=entity["legalName"]["name"],
        status=entity.get("status") or "",
        registration=registration.get("status") or "",
        registered_as=entity.get("registeredAs") or "",
        country=address.get("country") or "",
        postcode=address.get("postalCode") or "",
        parent_exception=reason,
    )
    published = ((record.get("meta") or {}).get("goldenCopy") or {}).get("publishDate")
    as_of = day(published or registration.get("lastUpdateDate"))
    return Extract(SourceState.FOUND, {"entry": entry}, as_of)
