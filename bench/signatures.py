"""What the check of one signed decision costs: `.venv/bin/python -m bench.signatures`."""

import asyncio
import json
import time
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli import signing
from workflows.data.common import Decision, GateView, Verdict
from workflows.data.deciders import encoded
from workflows.patterns.clock import now
from workflows.patterns.signatures import Signatures

CHECKS = 2_000


async def main() -> None:
    """Sign one decision, check it again and again, and print the CPU of a check."""
    key, opened = Ed25519PrivateKey.generate(), now()
    names = {"name": "review", "question": "?", "proposal": "", "needs": (), "may_decide": ()}
    gate = GateView.model_validate({**names, "opened": opened, "deadline": opened, "signed": True})
    said = Decision(verdict=Verdict.APPROVE, by="ana", comment="x" * 200)
    made = signing.signed(said, "dd-unilever-1e2511", gate, key, "senior", opened)
    signatures = Signatures(
        {"ana": encoded(key.public_key().public_bytes_raw())}, "dd-unilever-1e2511"
    )
    assert signatures.object(made, opened, ()) is None
    began = time.process_time()
    for _ in range(CHECKS):
        signatures.object(made, opened, ())
    spent = timedelta(seconds=time.process_time() - began) / CHECKS
    print(json.dumps({"token": len(made.token or ""), "us": spent.microseconds}))


if __name__ == "__main__":
    asyncio.run(main())
