"""What computes long runs in a process of its own; one that dies is replaced."""

import os
import signal

import pytest

from activities.journalled import CallDesk
from activities.sources.connector import LIGHT, Nonsense
from activities.sources.doors import SourceActivities
from activities.sources.ofac import screened
from activities.sources.ofac_files import COLUMNS
from tests.activities.asking import PARTY, listed
from tests.activities.outside import Canned, Outside
from tests.activities.running import fails
from workflows import calls

pytestmark = pytest.mark.server


async def test_a_long_list_is_searched_beside_the_event_loop(
    world: Outside, sources: SourceActivities, desk_of_calls: CallDesk
) -> None:
    row = '%d,"COMPANY NUMBER %d",-0- ,"IRAN",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    rows = (
        "".join(row % (n, n) for n in range(3000))
        + row.replace("COMPANY NUMBER %d", PARTY.name) % 4642
    )
    assert len(rows) > LIGHT
    files = [Canned(200, rows.encode()), *(Canned(200, b"\x1a") for _ in list(COLUMNS)[1:])]
    world.will(*files)
    answer = await listed(sources)
    assert [hit.entry_id for hit in answer.hits] == ["4642"]
    os.kill(await desk_of_calls.pool.run(os.getpid), signal.SIGKILL)
    error = await fails(calls.SCREEN_LIST, sources.sanctions_list_file, PARTY)
    assert (error.type, error.non_retryable) == ("SourceUnavailable", False)
    assert (await listed(sources)).hits == answer.hits
    with pytest.raises(Nonsense, match="holds no entry"):
        await desk_of_calls.pool.run(screened, (b"",) * len(COLUMNS), PARTY)
