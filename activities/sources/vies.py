"""VIES: is a VAT number of the European Union (or Northern Ireland, XI) valid? No key.

Most of what VIES cannot say comes under status 200 with `isValid` false: only `INVALID` means
invalid, every other word that there is no answer now.
"""

from typing import Any
from urllib.parse import quote

from activities.sources.connector import Connector, Extract, Inquiry, NoAnswer, Nonsense, get
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.registers import VatAnswer, VatQuery
from workflows.data.sources import Retry, SourceError, SourceState

WITHHELD = "---"
"""What stands for name and address where a member state keeps them to itself (DE, ES)."""
OUR_MISTAKE = frozenset({"INVALID_INPUT", "INVALID_REQUESTER_INFO", "VAT_BLOCKED", "IP_BLOCKED"})
"""Words after which asking again cannot help."""


class Vies(Connector[VatQuery, VatAnswer]):
    """The VAT information exchange system, by country and number."""

    call = calls.VAT
    service = "vies"
    source = "VIES"
    licence = "European Commission, free reuse"

    def inquire(self, query: VatQuery, endpoint: Endpoint) -> Inquiry:  # noqa: ARG002
        """Ask for one number. A number not valid is an answer; no answer never is one."""
        number = quote(query.number, safe="")
        page = yield get(f"/ms/{query.country}/vat/{number}")
        if not page.found:
            raise Nonsense("VIES knows no 404")
        told = page.json()
        word = _word(told)
        if word in OUR_MISTAKE:
            error = SourceError(code=word, retry=Retry.NEVER)
            return Extract(SourceState.REJECTED, error=error)
        if told.get("isValid") is True and word in ("", "VALID"):
            fields = {"valid": True, "name": _said(told, "name"), "address": _said(told, "address")}
            return Extract(SourceState.FOUND, fields)
        if told.get("isValid") is False and word == "INVALID":
            return Extract(SourceState.FOUND, {"valid": False})
        raise NoAnswer(word or "no word of whether the number is valid")


def _word(told: dict[str, Any]) -> str:
    """Give the word that says how the question went, of either envelope."""
    if told.get("actionSucceed") is False:
        errors = told.get("errorWrappers") or [{}]
        return str(errors[0].get("error") or "no reason given")
    return str(told.get("userError") or "")


def _said(told: dict[str, Any], name: str) -> str:
    text = " ".join(str(told.get(name) or "").split())
    return "" if text == WITHHELD else text
