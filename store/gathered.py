"""Gathering: what is asked while an answer is under way is answered together, next.

A thousand calls at once cost a few statements instead of a thousand.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Gathered(Generic[A, B]):
    """Has `answer` give one answer for each of at most `most` questions, in their order."""

    def __init__(self, answer: Callable[[Sequence[A]], Awaitable[Sequence[B]]], most: int) -> None:
        self._answer, self._most = answer, most
        self._asked: deque[tuple[A, asyncio.Future[B]]] = deque()
        self._answering: asyncio.Task[None] | None = None

    def ask(self, question: A) -> asyncio.Future[B]:
        """Give what will be the answer; it is found even if nobody waits for it."""
        if self._answering is None:
            self._answering = asyncio.create_task(self._run())
        future: asyncio.Future[B] = self._answering.get_loop().create_future()
        self._asked.append((question, future))
        return future

    async def _run(self) -> None:
        try:
            while self._asked:
                some = [self._asked.popleft() for _ in range(min(self._most, len(self._asked)))]
                await self._settle(some)
        finally:
            self._answering = None

    async def _settle(self, some: Sequence[tuple[A, asyncio.Future[B]]]) -> None:
        try:
            answers = await self._answer([question for question, _ in some])
        except Exception as error:
            for _, future in some:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(some, answers, strict=True):
            if not future.done():
                future.set_result(answer)
