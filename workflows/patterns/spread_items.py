"""The items of a spread: given at once and kept in the store, or page by page by a Call."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Generic

from workflows import calls
from workflows.calls import Call, In, ask
from workflows.data.chunk import ItemSource
from workflows.data.common import JSON
from workflows.data.spread import (
    MOST_BYTES,
    Item,
    ItemBatch,
    ItemPage,
    KeptList,
    PageQuery,
    SpreadRef,
)
from workflows.errors import Misuse
from workflows.patterns.checks import must_be
from workflows.patterns.spread_work import Work, check_queue, twofold, work_order

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,79}")


@dataclass(frozen=True)
class Pages(Generic[In]):
    """Items that a Call gives page by page; `about` is passed to it with each query.

    The requests of its items must fit the work's input.
    """

    call: Call[PageQuery, ItemPage]
    about: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        must_be(Call, self.call, "the source of Pages", "give a Call from PageQuery to ItemPage")
        check_queue("Pages", self.call)
        try:
            source_of(self)
        except (ValueError, TypeError) as error:
            raise Misuse(f"Pages of {self.call.name!r}: `about` is no JSON") from error


Items = Mapping[str, In] | Sequence[tuple[str, In]] | Pages[In]


def checked(
    name: str, items: Mapping[str, In] | Sequence[tuple[str, In]], work: Work[In, Any]
) -> list[Item]:
    """Write the items as they are kept. Raises Misuse for keys and requests that cannot work."""
    given: Any = items.items() if isinstance(items, Mapping) else items
    pairs = list(given) if isinstance(given, Iterable) else [given]
    for pair in pairs:
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            kind = type(pair).__name__
            raise Misuse(f"spread {name!r}: an item of type {kind}; give {{key: request, ...}}")
        must_be(str, pair[0], f"spread {name!r}: item key {pair[0]!r}", "use text, as 'c-1'")
    if twice := twofold(key for key, _ in pairs):
        raise Misuse(f"spread {name!r}: items named twice: {', '.join(twice[:5])}; rename them")
    return [item_of(name, key, request, work.input) for key, request in pairs]


def item_of(name: str, key: str, request: In, wanted: type[In]) -> Item:
    """Write one item as it is kept. Raises Misuse."""
    if not KEY.fullmatch(key):
        raise Misuse(f"spread {name!r}: {key!r} is no item key; use letters, digits, and . _ : -")
    if not isinstance(request, wanted):
        raise Misuse(
            f"spread {name!r}: item {key!r} is a {type(request).__name__}, the work takes a"
            f" {wanted.__name__}"
        )
    item = Item(key=key, request=request.model_dump(mode="json"))
    if (size := len(item.model_dump_json())) > MOST_BYTES:
        raise Misuse(
            f"spread {name!r}: item {key!r} has {size} bytes; keep the document elsewhere and"
            " give a reference to it"
        )
    return item


def source_of(pages: Pages[Any]) -> ItemSource:
    """Say where the chunks find their pages."""
    return ItemSource(page=work_order(pages.call), about=dict(pages.about))


async def kept(ref: SpreadRef, items: list[Item]) -> ItemSource:
    """Keep the items in the store for the chunks to read. The list's name is its content."""
    texts = [item.model_dump_json() for item in items]
    of_list = sha256("\n".join(texts).encode()).hexdigest()[:32]
    first = 0
    while first < len(items):
        size, last = len(texts[first]), first + 1
        while last < len(items) and size + len(texts[last]) <= MOST_BYTES:
            size, last = size + len(texts[last]), last + 1
        batch = tuple(items[first:last])
        await ask(
            calls.KEEP_ITEMS, ItemBatch(scope=ref.scope, list=of_list, first=first, items=batch)
        )
        first = last
    kept = KeptList(scope=ref.scope, list=of_list, total=len(items))
    return ItemSource(page=work_order(calls.KEPT_ITEMS), about=kept.model_dump())
