"""`python -m simulator`: the outside world on a port of loopback, until a signal ends it."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from pydantic import ValidationError

from simulator.app import create_app
from simulator.config import FAULTS, FIXED, Signaller, SimulatorConfig
from simulator.connection import LOOPBACK
from simulator.limits import LIMITS
from simulator.server import serving
from workflows.data.due_diligence import ReferenceReply

if TYPE_CHECKING:
    from temporalio.client import Client


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Exit codes: 0 ended, 2 bad input."""
    options = _parser().parse_args(arguments)
    if options.die_with_parent:
        from runtime.processes import die_with_parent

        die_with_parent()
    try:
        config = SimulatorConfig(
            seed=options.seed,
            speed=options.speed,
            fixed=FIXED.validate_json(_given(options.fixed)),
            error_rate=options.error_rate,
            faults=FAULTS.validate_json(_given(options.faults)),
            limits=LIMITS.validate_json(_given(options.limits)),
            state=options.state,
        )
        _log_to_stderr()
        asyncio.run(_serve(config, options))
    except (ValidationError, OSError, ValueError) as wrong:
        sys.stderr.write(f"simulator: {_told(wrong)}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0 takes a free port")
    parser.add_argument(
        "--host", default=LOOPBACK, help="0.0.0.0 in a container: whoever reaches it is let in"
    )
    parser.add_argument("--smtp-port", type=int, default=0, help="the mail server's; 0 as above")
    parser.add_argument("--seed", type=int, default=7, help="same seed, same world")
    parser.add_argument("--speed", type=float, default=1.0, help="divides every delay")
    parser.add_argument(
        "--error-rate", type=float, default=0.03, help="share of wrong model answers, 0 to 1"
    )
    parser.add_argument("--temporal", metavar="HOST:PORT", help="where referees send signals")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep orders and mails here")
    parser.add_argument("--faults", default="[]", metavar="JSON|@FILE", help="faults at start")
    parser.add_argument("--limits", default="[]", metavar="JSON|@FILE", help="limits enforced")
    parser.add_argument(
        "--fixed", default="{}", metavar="JSON|@FILE", help="seconds of each answer, by model"
    )
    parser.add_argument("--die-with-parent", action="store_true", help="end with the parent")
    return parser


def _given(text: str) -> str:
    return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text


def _told(wrong: Exception) -> str:
    """Say in one line what is wrong with the options, faults or limits."""
    if not isinstance(wrong, ValidationError):
        return str(wrong)
    found = (
        f"{'.'.join(map(str, e['loc']))}: {e['msg']}".removeprefix(": ") for e in wrong.errors()
    )
    return f"{'; '.join(found)}; see docs/simulator.md"


async def _serve(config: SimulatorConfig, options: argparse.Namespace) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    signaller = _signaller(options.temporal) if options.temporal else None
    app = create_app(config, signaller, options.smtp_port, options.host)
    async with serving(app, options.port, options.host) as url:
        sys.stdout.write(json.dumps({"simulator": url, "smtp": app.state.smtp}) + "\n")
        sys.stdout.flush()
        await end.wait()


def _signaller(address: str) -> Signaller:
    """Signal through Temporal; connects at the first signal, as the server may start later."""
    clients: list[Client] = []

    async def send(workflow_id: str, name: str, reply: ReferenceReply) -> None:
        if not clients:
            clients.append(await _client(address))
        await clients[0].get_workflow_handle(workflow_id).signal(name, reply)

    return send


async def _client(address: str) -> "Client":
    """Connect; with a key ring at hand referees write encrypted, as they would by a gateway."""
    from runtime.connection import connect_to
    from runtime.conversion import DATA_CONVERTER
    from runtime.encryption import Encryption
    from runtime.keys import ring_of
    from runtime.settings import Settings

    settings = Settings.from_env()
    codec = Encryption(ring_of(settings), writes=settings.encryption != "off")
    return await connect_to(address, converter=replace(DATA_CONVERTER, payload_codec=codec))


def _log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


if __name__ == "__main__":
    raise SystemExit(main())
