"""News search in the shape of News API's `/v2/everything`, over an archive of our own.

A query is groups of words or "phrases" joined by OR, groups in brackets joined by AND; that is
what the service's full language means for such queries. Articles are sent as the service does: the
beginning of the text in `content`, cut after 200 characters.
"""

import re
from urllib.parse import quote

from anyascii import anyascii

from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service
from simulator.exchange import retry_after as wait
from simulator.facts.press import ARTICLES, Article

LONGEST_QUERY = 500
CONTENT = 200
DESCRIPTION = 260
SORTS = ("publishedAt", "relevancy", "popularity")


def answer(asked: Asked) -> Reply:
    """Answer a search, newest first whatever the order asked for."""
    if asked.method != "GET" or asked.path != "/v2/everything":
        return _error(404, "endpointNotFound", "There is no such endpoint.")
    words = asked.query.get("q", "")
    if not words.strip():
        return _error(400, "parametersMissing", "Required parameters are missing: q.")
    if len(words) > LONGEST_QUERY:
        return _error(400, "queryTooLong", "The q parameter is longer than 500 characters.")
    size, page = asked.query.get("pageSize", "100"), asked.query.get("page", "1")
    if not (size.isdecimal() and 1 <= int(size) <= 100 and page.isdecimal() and int(page) >= 1):
        return _error(400, "parameterInvalid", "pageSize is from 1 to 100, page from 1.")
    if asked.query.get("sortBy", "publishedAt") not in SORTS:
        return _error(400, "parameterInvalid", f"sortBy is one of {', '.join(SORTS)}.")
    language = asked.query.get("language", "")
    found = [a for a in ARTICLES if language in ("", a.language) and _fits(words, a)]
    found.sort(key=lambda a: (a.published, a.slug), reverse=True)
    first = (int(page) - 1) * int(size)
    sent = [_article(a) for a in found[first : first + int(size)]]
    return Reply(200, {"status": "ok", "totalResults": len(found), "articles": sent})


def _fits(words: str, article: Article) -> bool:
    text = _plain(f"{article.title} {article.text}")
    groups = re.split(r"\s+AND\s+", words.strip())
    return all(
        any(_plain(phrase) in text for phrase in re.split(r"\s+OR\s+", group.strip("() ")))
        for group in groups
    )


def _plain(text: str) -> str:
    return f" {' '.join(re.findall(r'[a-z0-9]+', anyascii(text).lower()))} "


def _article(article: Article) -> dict[str, object]:
    text = article.text
    cut = f"{text[:CONTENT]}… [+{len(text) - CONTENT} chars]" if len(text) > CONTENT else text
    site = quote(article.publisher.lower().replace(" ", "-"))
    return {
        "source": {"id": None, "name": article.publisher},
        "author": None,
        "title": article.title,
        "description": text[:DESCRIPTION],
        "url": f"https://{site}.example/{article.slug}",
        "urlToImage": None,
        "publishedAt": f"{article.published}T06:00:00Z",
        "content": cut,
    }


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"status": "error", "code": code, "message": message})


def failure(fault: Fault) -> Reply:
    """Word a fault as the service does; a used-up key is told as a limit too."""
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            limited = _error(fault.status or 429, "rateLimited", "You have been rate limited.")
            return Reply(limited.status, limited.body, wait(fault, 1.0))
        case FaultKind.QUOTA:
            spent = "Your API key has no more requests available."
            return _error(fault.status or 429, "apiKeyExhausted", spent)
        case FaultKind.OVERLOADED:
            return _error(fault.status or 503, "unexpectedError", "The service is overloaded.")
        case _:
            return _error(fault.status or 500, "unexpectedError", "Something went wrong.")


SERVICE = Service(answer, failure)
