"""`gc`: remove from the store what closed cases no longer need."""

from dataclasses import asdict
from datetime import timedelta
from functools import partial

from rich.console import Console
from temporalio.client import Client

from cli.commands import out
from cli.session import Session, say
from runtime.documents import clear
from runtime.encryption import Encryption
from store.blobs import Blobs, named_in
from store.collecting import Collected, Collector
from store.database import Store


async def collect(here: Session, days: float, *, dry: bool, as_json: bool) -> None:
    """Collect what is older than so many days and belongs to no running case."""
    older = timedelta(days=days)
    say("looking for running cases ...")
    running, documents = await _in_use(here.client)
    codec = here.client.data_converter.payload_codec
    opening = partial(clear, codec=codec) if isinstance(codec, Encryption) else bytes
    async with Store.opened(here.settings.database) as store:
        found = await Collector(store).collect(older, running, dry=dry)
        blobs = None if dry else await Blobs(store).collect(older, documents, clear=opening)
    if as_json:
        out({**asdict(found), "blobs": blobs and asdict(blobs), "dry_run": dry})
        return
    console = Console()
    console.print(_told(found, dry=dry))
    if blobs is not None:
        console.print(f"documents: {blobs.blobs} of {blobs.bytes:,} bytes")


def _told(found: Collected, *, dry: bool) -> str:
    word = "would be collected" if dry else "collected"
    return (
        f"{word}: {found.replies} raw replies of {found.bytes:,} bytes and {found.answers}"
        f" answers of fused steps, of {found.scopes} closed cases; costs and effects stay"
    )


async def _in_use(client: Client) -> tuple[set[str], set[str]]:
    """Give the ids of running workflows, and the documents their histories name."""
    running: set[str] = set()
    documents: set[str] = set()
    async for found in client.list_workflows("ExecutionStatus = 'Running'"):
        running |= {found.id, found.root_id or found.id}
        handle = client.get_workflow_handle(found.id, run_id=found.run_id)
        async for event in handle.fetch_history_events():
            documents |= named_in(event.SerializeToString())
    return running, documents
