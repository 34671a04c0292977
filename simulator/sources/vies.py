"""VAT numbers in the shape of VIES, where almost every trouble comes under status 200."""

import re

from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service
from simulator.facts.vat import VAT_NUMBERS, WITHHOLDING

_PATH = re.compile(r"^/ms/([A-Z]{2})/vat/([^/]+)$")
_NUMBER = re.compile(r"[A-Z0-9+*.]{2,12}")
WITHHELD = "---"


def answer(asked: Asked) -> Reply:
    """Answer one number: valid, invalid, or of no form VIES could look up."""
    found = _PATH.match(asked.path)
    if not found or asked.method != "GET":
        return Reply(404, {"actionSucceed": False, "errorWrappers": [{"error": "NOT_FOUND"}]})
    country, number = found.groups()
    if not _NUMBER.fullmatch(number):
        return _said(country, number, "INVALID_INPUT")
    return _said(country, number, "VALID" if (country, number) in VAT_NUMBERS else "INVALID")


def _said(country: str, number: str, word: str) -> Reply:
    valid = word == "VALID"
    name, address = VAT_NUMBERS.get((country, number), (WITHHELD, WITHHELD))
    if not valid or country in WITHHOLDING:
        name = address = WITHHELD
    unknown = {"name": WITHHELD, "street": WITHHELD, "postalCode": WITHHELD, "city": WITHHELD}
    body = {
        "isValid": valid,
        "requestDate": "2026-11-20T09:00:00.000Z",
        "userError": word,
        "name": name,
        "address": address,
        "requestIdentifier": "",
        "originalVatNumber": number,
        "vatNumber": number,
        "viesApproximate": unknown | {"companyType": WITHHELD, "matchName": 3},
    }
    return Reply(200, body)


def failure(fault: Fault) -> Reply:
    """Word a fault as VIES does: a member state that does not answer is no error of HTTP."""
    match fault.kind:
        case FaultKind.OVERLOADED:
            reply = _said("XX", "", "MS_UNAVAILABLE")
            return Reply(fault.status or 200, reply.body)
        case FaultKind.RATE_LIMITED | FaultKind.QUOTA:
            return _wrapped(fault.status or 200, "GLOBAL_MAX_CONCURRENT_REQ")
        case _:
            return _wrapped(fault.status or 500, "INTERNAL_ERROR")


def _wrapped(status: int, word: str) -> Reply:
    return Reply(status, {"actionSucceed": False, "errorWrappers": [{"error": word}]})


SERVICE = Service(answer, failure)
