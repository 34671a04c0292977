"""The post office behind the mail server. It has no idempotency: a mail sent twice is two mails."""

import asyncio
import time

import structlog

from simulator.book import Book
from simulator.config import Signaller, SimulatorConfig
from simulator.effects.records import Mail
from simulator.effects.referees import delay, referee_for
from simulator.state import Answered, Posted, StateFile
from workflows.data.due_diligence import ReferenceReply

log = structlog.get_logger()
LONGEST_PAUSE = 30.0


class PostOffice:
    """Keeps mails and, once started, lets referees answer them by signal."""

    def __init__(
        self, config: SimulatorConfig, state: StateFile, book: Book, signal: Signaller | None
    ) -> None:
        self._config, self._state, self._book, self._signal = config, state, book, signal
        self._waiting: dict[int, Posted] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    def restore(self, line: Posted | Answered) -> None:
        """Take up what the state file tells of."""
        self._count = max(self._count, line.number)
        if isinstance(line, Answered):
            self._waiting.pop(line.number, None)
            return
        self._note(line)

    def start(self) -> None:
        """Let the referees of restored mails answer."""
        for posted in list(self._waiting.values()):
            self._schedule(posted)

    async def stop(self) -> None:
        """Stop waiting; what is pending stays in the state file."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, mail: Mail) -> str:
        """Take a mail; gives the number it is kept under."""
        self._count += 1
        posted = Posted(number=self._count, mail=mail, due=self._due(mail))
        self._state.append(posted)
        self._note(posted)
        if posted.due is not None:
            self._schedule(posted)
        return f"mail-{posted.number}"

    def _due(self, mail: Mail) -> float | None:
        referee = referee_for(mail)
        if referee is None or self._signal is None:
            return None
        return time.time() + delay(referee, mail, self._config.seed, self._config.speed)

    def _note(self, posted: Posted) -> None:
        mail = posted.mail
        shown = mail.model_dump(mode="json", exclude={"body"})
        self._book.mails.append({"id": f"mail-{posted.number}", **shown})
        if posted.due is not None:
            self._waiting[posted.number] = posted

    def _schedule(self, posted: Posted) -> None:
        task = asyncio.create_task(self._reply(posted), name=f"referee-{posted.number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, posted: Posted) -> None:
        await asyncio.sleep(max(0.0, (posted.due or 0.0) - time.time()))
        await self._send(posted)
        self._state.append(Answered(number=posted.number))
        self._waiting.pop(posted.number, None)

    async def _send(self, posted: Posted) -> None:
        """Send the signal; a closed workflow or a server away is tried again, not for ever."""
        reply, referee = posted.mail.reply, referee_for(posted.mail)
        if reply is None or referee is None or self._signal is None:
            return
        message = ReferenceReply(party_id=reply.party_id, text=referee.text, simulated=True)
        pause = self._config.signal_pause
        keys = {"mail": posted.number, "workflow": reply.workflow_id, "party": reply.party_id}
        for attempt in range(1, self._config.signal_attempts + 1):
            try:
                await self._signal(reply.workflow_id, reply.signal, message)
            except Exception as error:
                log.warning("signal failed", attempt=attempt, error=type(error).__name__, **keys)
            else:
                log.info("referee answered", **keys)
                return
            if attempt < self._config.signal_attempts:
                await asyncio.sleep(min(pause * 2 ** (attempt - 1), LONGEST_PAUSE))
        log.error("signal dropped", **keys)
