"""Due diligence: which press items a model should read. Names, words, copies, mentions. Pure.

Words find, they never decide: a labelled set showed that two of three items with such words speak
against nobody. So the words are many, and what they find is read.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anyascii import anyascii
from rapidfuzz import fuzz

from workflows.data.case_file import CaseFile, Party, Subject
from workflows.data.names.compare import MATCH, compare
from workflows.data.names.folding import WHOLE, read_name
from workflows.data.news import NewsItem, NewsQuery, PressSubject


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TERMS = {
    "en": _words(
        "fraud bribery corruption laundering embezzlement sanctions indicted convicted sentenced"
        " guilty arrested charged prosecutors prosecution investigation raid alleged scandal"
        " illegal terrorism terrorist trafficking smuggling extortion kickbacks evasion cartel"
        " counterfeit forgery hacking ransomware fined penalty settlement dumping robbery theft"
        " murder misconduct trial acquitted"
    ),
    "de": _words(
        "Betrug Bestechung Korruption Geldwäsche Untreue Anklage verurteilt Staatsanwaltschaft"
        " Ermittlungen ermittelt Razzia Hinterziehung Schmuggel Kartell Bußgeld Festnahme"
    ),
    "fr": _words(
        "fraude corruption blanchiment détournement condamné accusé enquête perquisition amende"
        " trafic escroquerie"
    ),
    "es": _words(
        "fraude soborno corrupción blanqueo malversación condenado acusado investigación multa"
        " contrabando estafa"
    ),
}
"""Words searched beside a name, by language."""
LANGUAGES = {
    "DE": "de", "AT": "de", "CH": "de", "LI": "de", "FR": "fr", "BE": "fr", "LU": "fr",
    "ES": "es", "MX": "es", "AR": "es", "CO": "es", "CL": "es", "PE": "es",
}  # fmt: skip
"""The language of a country's press, besides English."""
STEMS = _words(
    "fraud brib corrupt launder embezzl sanction indict convict sentenc guilt arrest charg prosec"
    " investig inquir probe raid crim alleg accus scandal illegal unlawful terror traffick smuggl"
    " extort kickback evasion evad cartel counterfeit forger forged hack ransom insider manipul"
    " fine fines fined penalt settl dump pollut robb theft steal stole murder kidnap pirac miscond"
    " banned trial acquit lawsuit sued court blocked designated"
    " betrug bestech korrupt geldwasch untreu anklag angeklagt verurteil staatsanwalt ermittl"
    " ermittel razzia hinterzieh schmugg kartell bussgeld busgeld festnahm"
    " blanchi detourn condamn enquet perquis amende escroqu"
    " soborn blanque malvers acusad multa contraband estafa"
)
"""Beginnings of words that let an item through to a reader."""
HOW = ("", "part", "full")
"""How an item may name a party, the weakest first."""
MOST_NAMES = 6
SAME_TEXT = 0.7
"""Share of four-word runs in common from which two items are copies of one."""
LIKE_A_WORD = 75
"""Likeness of two words, of 100, from which a name is looked for around one of them."""
NEARLY_ALL = 0.75
"""Share of a name's letters that a run of words must have to be compared with it."""
SAME_COMPANY = 0.95
"""Likeness from which a company's name only is written otherwise."""
MOST_COMPARED = 200
"""So many items are compared with each other; whatever comes after stands for itself."""
_RUN = 4


@dataclass(frozen=True)
class Candidate:
    """An item worth reading. `full` says that the whole name stands there, `copies` how many
    publishers besides brought the same text.
    """

    item: NewsItem
    full: bool
    copies: tuple[str, ...] = ()


def press_subject(case: CaseFile, party: Subject | Party) -> PressSubject:
    """Give a party as the press is searched for it."""
    if isinstance(party, Subject):
        return PressSubject(
            party_id=party.party_id,
            kind="Company",
            name=party.name,
            company=party.name,
            country=party.country,
            other_names=party.former_names,
        )
    return PressSubject(
        party_id=party.party_id,
        kind=party.kind,
        name=party.name,
        company=case.subject.name,
        country=party.country,
        birth_date=party.birth_date,
        role=party.role,
    )


def news_query(about: PressSubject) -> NewsQuery:
    """Ask for every name, as written, without its legal form and in Latin letters."""
    names: list[str] = []
    for name in (about.name, *about.other_names):
        short = _without_form(name) if about.kind == "Company" else name
        latin = anyascii(name)
        names += [name, short, latin]
    own = LANGUAGES.get(about.country or "")
    languages = ("en", own) if own else ("en",)
    terms = tuple(term for language in languages for term in TERMS[language])
    distinct: dict[str, str] = {}
    for name in filter(None, names):
        distinct.setdefault(name.casefold(), name)
    return NewsQuery(
        party_id=about.party_id,
        names=tuple(distinct.values())[:MOST_NAMES],
        terms=terms,
        languages=languages,
    )


def candidates(about: PressSubject, items: Iterable[NewsItem]) -> list[Candidate]:
    """Give the items that name the party near words of crime, each text once, best first: the
    whole name before a part of it, then the newest.
    """
    near = [i for i in items if speaks_of_crime(i) and mentioned(about, i)]
    kept = []
    for group in grouped(near[:MOST_COMPARED]):
        # Copies differ in length: the one that says most about the party is read.
        best = max(group, key=lambda i: (HOW.index(mentioned(about, i)), len(i.text)))
        copies = tuple(i.publisher for i in group if i is not best)
        kept.append(Candidate(best, mentioned(about, best) == "full", copies))
    kept += [Candidate(i, mentioned(about, i) == "full") for i in near[MOST_COMPARED:]]
    kept.sort(key=lambda c: (c.full, str(c.item.published or "")), reverse=True)
    return kept


def speaks_of_crime(item: NewsItem) -> bool:
    """Say whether any word of an item begins like a word of crime. Made for recall."""
    return any(word.startswith(STEMS) for word in words_of(f"{item.title} {item.text}"))


def grouped(items: Iterable[NewsItem]) -> list[list[NewsItem]]:
    """Put copies of one text together, the earliest first."""
    groups: list[tuple[set[tuple[str, ...]], list[NewsItem]]] = []
    for item in sorted(items, key=lambda i: (str(i.published or "9999"), i.url)):
        runs = _runs(item)
        for known, group in groups:
            smaller = min(len(known), len(runs)) or 1
            if len(known & runs) / smaller >= SAME_TEXT:
                group.append(item)
                break
        else:
            groups.append((runs, [item]))
    return [group for _, group in groups]


def mentioned(about: PressSubject, item: NewsItem) -> str:
    """Say whether an item names the party: `full`, in `part` (an initial or a form of address with
    the family name, another spelling), or not at all.
    """
    text = words_of(f"{item.title} {item.text}")
    names = (about.name, *about.other_names)
    if about.kind == "Company":
        found = {"full" if names_company(name, text) else "" for name in names}
    else:
        found = {_person(words_of(name), text) for name in names}
    best = max(found, key=HOW.index)
    return best or max((_spelt(name, about.kind, text) for name in names), key=HOW.index)


def names_company(name: str, text: Sequence[str]) -> bool:
    """Say whether the words of a text hold a company's name, its legal form aside."""
    core = [word.shown for word in read_name(name, "Company")]
    return bool(core) and _holds(text, core)


def _spelt(name: str, kind: str, text: Sequence[str]) -> str:
    """Look for a name written otherwise: runs of words around one that is like one of its own."""
    words = read_name(name, kind)
    telling = [w.text for w in words if w.weight == WHOLE and len(w.text) >= 4]
    length = sum(len(w.shown) for w in words)
    best = 0.0
    for place, word in enumerate(text):
        if not any(fuzz.ratio(word, own) >= LIKE_A_WORD for own in telling):
            continue
        for size in (len(words) - 1, len(words), len(words) + 1):
            for start in range(max(0, place - size + 1), place + 1):
                run = text[start : start + size]
                if sum(map(len, run)) >= NEARLY_ALL * length:
                    best = max(best, compare(" ".join(run), name, kind).score)
    if kind == "Company" and best >= SAME_COMPANY:
        return "full"
    return "part" if best >= MATCH else ""


def _person(name: Sequence[str], text: Sequence[str]) -> str:
    """Look for given and family name; up to two names may stand between them."""
    if len(name) < 2:
        return "part" if _holds(text, name) else ""
    if _holds(text, name) or _holds(text, [*name[1:], name[0]]):
        return "full"
    given, family = name[0], name[-1]
    part = ""
    for place, word in enumerate(text):
        if word != family or place == 0:
            continue
        before = text[max(0, place - 3) : place]
        if given in before:
            return "full"
        if given[0] in before or before[-1] in ("mr", "mrs", "ms", "dr", "herr", "frau"):
            part = "part"
    return part


def words_of(text: str) -> list[str]:
    """Give a text's words in plain lower-case Latin letters."""
    return re.findall(r"[a-z0-9]+", anyascii(text).lower())


def _holds(text: Sequence[str], words: Sequence[str]) -> bool:
    size = len(words)
    return any(text[n : n + size] == list(words) for n in range(len(text) - size + 1))


def _without_form(name: str) -> str:
    """Give a company's name as written, but for legal forms at its end."""
    core = {word.shown for word in read_name(name, "Company")}
    kept = name.split()
    while len(kept) > 1 and not core & set(words_of(kept[-1])):
        kept.pop()
    return " ".join(kept).rstrip(",")


def _runs(item: NewsItem) -> set[tuple[str, ...]]:
    text = words_of(item.text or item.title)
    return {tuple(text[n : n + _RUN]) for n in range(max(1, len(text) - _RUN + 1))}
