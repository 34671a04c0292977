"""Name servers over HTTPS, in the shape of Google's JSON interface.

Every name below `.example` exists and takes mail, but for those whose first label says otherwise:
`nowhere` does not exist, `nomail` takes none (RFC 7505), `broken` is answered SERVFAIL.
"""

from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, retry_after

TYPES = {"A": 1, "MX": 15, "AAAA": 28}
ADDRESS = "192.0.2.25"
"""An address set aside for documentation (RFC 5737)."""


def answer(asked: Asked) -> Reply:
    """Answer which records of a type a name has."""
    name, kind = asked.query.get("name", "").rstrip("."), asked.query.get("type", "A").upper()
    if asked.path != "/resolve" or asked.method != "GET":
        return Reply(404, b"Not Found", media_type="text/plain")
    if not name or any(not 0 < len(label) < 64 for label in name.split(".")) or kind not in TYPES:
        return Reply(400, {"error": "Invalid name or type"})
    first = name.split(".")[0]
    exists = name.endswith(".example") and first != "nowhere"
    status = 2 if first == "broken" else 0 if exists else 3
    body: dict[str, object] = {
        "Status": status,
        "TC": False,
        "RD": True,
        "RA": True,
        "AD": False,
        "CD": False,
        "Question": [{"name": f"{name}.", "type": TYPES[kind]}],
    }
    if status == 0 and (data := _data(name, kind, first)):
        record = {"name": f"{name}.", "type": TYPES[kind], "TTL": 300, "data": data}
        body["Answer"] = [record]
    if status == 2:
        body["Comment"] = ["Name servers refused query (lame delegation?)"]
    return Reply(200, body)


def _data(name: str, kind: str, first: str) -> str:
    if kind == "AAAA":
        return ""
    if kind == "A":
        return ADDRESS
    return "0 ." if first == "nomail" else f"10 mail.{name}."


def failure(fault: Fault) -> Reply:
    """Word a fault as the service does: plain statuses with a line of text."""
    status = {
        FaultKind.RATE_LIMITED: 429,
        FaultKind.QUOTA: 429,
        FaultKind.OVERLOADED: 503,
    }.get(fault.kind, 500)
    headers = retry_after(fault, 1.0) if status == 429 else {}
    return Reply(fault.status or status, {"error": "the resolver cannot answer"}, headers)


SERVICE = Service(answer, failure)
