"""Name servers, asked over HTTPS in JSON (Google Public DNS; no key)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from activities.sources.connector import NO_RECORD, Connector, Extract, Inquire, Inquiry, get
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.news import DomainAnswer, DomainQuery
from workflows.data.sources import Retry, SourceError, SourceState

NOERROR, NXDOMAIN = 0, 3
TYPES = {"A": 1, "AAAA": 28, "MX": 15}
NO_MAIL = "."
"""A mail server of this name means: this domain takes no mail (RFC 7505)."""


class Dns(Connector[DomainQuery, DomainAnswer]):
    """The public name system."""

    call = calls.DOMAIN
    service = "dns"
    source = "DNS"
    licence = "public fact"

    def inquire(self, query: DomainQuery, endpoint: Endpoint) -> Inquiry:  # noqa: ARG002
        """Ask for addresses, then mail servers. Only NXDOMAIN means that there is no such name:
        every other trouble of a name server is no answer.
        """
        found: dict[str, tuple[str, ...]] = {}
        for kind in ("A", "AAAA", "MX"):
            if kind == "AAAA" and found["A"]:
                continue
            reply = (yield _ask(query.domain, kind)).json()
            if reply["Status"] == NXDOMAIN:
                return NO_RECORD
            if reply["Status"] != NOERROR:
                code = f"rcode {reply['Status']}"
                error = SourceError(code=code, retry=Retry.LATER, detail=_comment(reply))
                return Extract(SourceState.UNAVAILABLE, error=error)
            found[kind] = tuple(_records(reply, TYPES[kind]))
        servers = sorted(found["MX"], key=lambda held: int(held.split()[0]))
        mail = tuple(held.split()[1].rstrip(".") or NO_MAIL for held in servers)
        addresses = (*found["A"], *found.get("AAAA", ()))
        return Extract(SourceState.FOUND, {"addresses": addresses, "mail_servers": mail})


def _ask(domain: str, kind: str) -> Inquire:
    name = domain.encode("idna").decode()
    # A 404 is no answer of a name server.
    asked = get(f"/resolve?name={quote(name, safe='')}&type={kind}")
    return Inquire(asked.http, absent=frozenset())


def _records(reply: Mapping[str, Any], number: int) -> list[str]:
    """Give the answers of one type; aliases on the way to them are left out."""
    return [str(a["data"]) for a in reply.get("Answer") or () if a["type"] == number]


def _comment(reply: Mapping[str, Any]) -> str:
    said = reply.get("Comment") or ""
    return (said if isinstance(said, str) else " ".join(map(str, said)))[:200]
