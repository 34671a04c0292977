"""Room: no more is open at once than the server holds; the others wait, whoever gives up."""

import asyncio
from functools import partial

from workflows.room import Room


async def test_what_goes_beyond_the_room_waits_in_order() -> None:
    room, going, began = Room(most=2), dict[int, asyncio.Future[int]](), list[int]()

    def send(number: int) -> asyncio.Future[int]:
        began.append(number)
        going[number] = asyncio.get_running_loop().create_future()
        return going[number]

    def start(number: int) -> asyncio.Future[int]:
        this = partial(send, number)
        return asyncio.ensure_future(room.within(this)) if room.is_full else room.open(this)

    async def turn() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    asked = [start(number) for number in range(6)]
    await turn()
    assert began == [0, 1]
    asked[2].cancel()  # while it waits
    going[0].set_result(10)
    await turn()
    assert began == [0, 1, 3]
    going[1].set_result(11)
    await asyncio.sleep(0)
    asked[4].cancel()  # in the moment it is called: the next one's room then
    await turn()
    assert began == [0, 1, 3, 5]
    asked[3].cancel()  # while it is open
    await turn()
    leave = await room.take()
    assert room.is_full
    leave()
    going[5].set_result(15)
    assert [asked[n].result() for n in (0, 1)] == [10, 11]
    assert await asked[5] == 15
    assert not room.is_full
