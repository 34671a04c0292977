"""News search: News API (`/v2/everything`, key in a header).

It gives title, description and the first 200 characters of an article, never the whole: so that is
the text, and quotes are looked for in that. One request holds at most 500 characters of query.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from activities.sources.connector import (
    Connector,
    Extract,
    Inquire,
    Inquiry,
    Nonsense,
    day,
    get,
)
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.news import NewsAnswer, NewsItem, NewsQuery
from workflows.data.sources import Retry, SourceError, SourceState

LONGEST_QUERY = 500
LONGEST_NAME = 150
PAGE_SIZE = 100
MOST_REQUESTS = 6
"""So many requests are sent for one party; what they cannot ask is refused, not left out."""
LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL = 4000, 500, 1000
_CUT = re.compile(r"\s*(?:…|\.\.\.)?\s*\[\+\d+ chars\]\s*$")
"""How the service marks the end of what it gives of an article."""
REMOVED = "[Removed]"


class News(Connector[NewsQuery, NewsAnswer]):
    """Articles of the press by name and words beside it."""

    call = calls.NEWS
    service = "news"
    source = "News API"
    licence = "press: excerpts for this case only"

    def inquire(self, query: NewsQuery, endpoint: Endpoint) -> Inquiry:
        """Ask once for each part of the words that fits a query, and put the articles together."""
        found: dict[str, NewsItem] = {}
        unsent = 0
        queries = _queries(query.names, query.terms)
        if len(queries) > MOST_REQUESTS:
            detail = f"{len(queries)} requests for one party; at most {MOST_REQUESTS} are sent"
            error = SourceError(code="query_too_long", retry=Retry.NEVER, detail=detail)
            return Extract(SourceState.REJECTED, error=error)
        for words in queries:
            answer = (yield _ask(words, query.languages, endpoint)).json()
            if answer["status"] != "ok":
                raise Nonsense(f"status {answer['status']}: {answer.get('code', '')}")
            articles = [a for a in answer["articles"] if a["title"] != REMOVED]
            unsent += max(0, answer["totalResults"] - len(answer["articles"]))
            for item in map(_item, articles):
                found.setdefault(item.url, item)
        items = sorted(found.values(), key=lambda i: (str(i.published or ""), i.url), reverse=True)
        state = SourceState.FOUND if items else SourceState.NONE
        return Extract(state, {"items": tuple(items), "total": len(items) + unsent})


def _ask(words: str, languages: Sequence[str], endpoint: Endpoint) -> Inquire:
    asked = {"q": words, "sortBy": "publishedAt", "pageSize": str(PAGE_SIZE)}
    if len(languages) == 1:  # it takes one, or all
        asked["language"] = languages[0]
    headers = {"x-api-key": endpoint.key} if endpoint.key else {}
    asking = get(f"/v2/everything?{urlencode(asked)}", headers)
    return Inquire(asking.http, absent=frozenset())


def _queries(names: Iterable[str], terms: Sequence[str]) -> list[str]:
    """Write all names with as many words beside them as fit, again until all words are asked."""
    quoted = list(dict.fromkeys(_quoted(name[:LONGEST_NAME]) for name in names))
    return [
        f"({' OR '.join(group)}) AND ({' OR '.join(words)})" if words else " OR ".join(group)
        for group in _packed(quoted, LONGEST_QUERY // 2)
        for words in _packed(list(map(_quoted, terms)), LONGEST_QUERY - _length(group) - 9) or [[]]
    ]


def _packed(words: Sequence[str], room: int) -> list[list[str]]:
    packs: list[list[str]] = []
    for word in words:
        if packs and _length([*packs[-1], word]) <= room:
            packs[-1].append(word)
        else:
            packs.append([word])
    return packs


def _length(words: Sequence[str]) -> int:
    return len(" OR ".join(words))


def _quoted(words: str) -> str:
    plain = re.sub(r'["()+\s]+', " ", words).strip()
    return f'"{plain}"' if " " in plain or "-" in plain else plain


def _item(article: Mapping[str, Any]) -> NewsItem:
    pieces: Iterator[str] = (article.get(part) or "" for part in ("description", "content"))
    description, content = (_CUT.sub("", piece).strip() for piece in pieces)
    longer, shorter = sorted((description, content), key=len, reverse=True)
    # The description often is the beginning of the article.
    text = (longer if longer.startswith(shorter) else f"{description}\n{content}")[:LONGEST_TEXT]
    return NewsItem(
        url=article["url"][:LONGEST_URL],
        publisher=article["source"].get("name") or "",
        title=article["title"][:LONGEST_TITLE],
        text=text,
        published=day(article.get("publishedAt")),
        sha256=sha256(text.encode()).hexdigest(),
    )
