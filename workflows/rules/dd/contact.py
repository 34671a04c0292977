"""Due diligence: Do mail, domain, website and phone fit the company? Soft, by plain rules. Pure."""

import re
from collections.abc import Mapping
from datetime import date

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from workflows.data.case_file import Subject
from workflows.data.findings import Check, CheckResult, FindingCode
from workflows.data.names.folding import SMALL, read_name
from workflows.data.news import DomainAnswer
from workflows.data.sources import SourceState
from workflows.rules.dd.press_search import words_of
from workflows.rules.dd.sheet import UNREAD, Sheet, answered, at_hand

DISPOSABLE = frozenset(
    {
        "10minutemail.com",
        "dispostable.com",
        "getnada.com",
        "guerrillamail.com",
        "maildrop.cc",
        "mailinator.com",
        "sharklasers.com",
        "temp-mail.org",
        "throwawaymail.com",
        "trashmail.com",
        "yopmail.com",
    }
)
"""Domains that give anybody a mailbox for minutes; well known ones, by no means all."""
FREE = frozenset(
    {
        "aol.com",
        "gmail.com",
        "gmx.de",
        "gmx.net",
        "hotmail.com",
        "icloud.com",
        "mail.ru",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "web.de",
        "yahoo.com",
        "yandex.ru",
    }
)
"""Domains that give anybody a mailbox for good."""
NO_MAIL = "."
_WEB = re.compile(r"(?:https?://)?([^\s/?#:@]+)(?::\d+)?(?:[/?#]\S*)?$", re.IGNORECASE)
_OF_DOMAINS = {"co", "com", "org", "net", "ac", "gov", "www", "mail", "web", "site", "online"}
"""Words that are nobody's own."""


def domains(subject: Subject) -> tuple[str, str]:
    """Give the domain of the mail address and of the website, in ASCII; empty where there is none
    that could be asked for.
    """
    try:
        mail = validate_email(subject.contact, check_deliverability=False).ascii_domain
    except EmailNotValidError:
        mail = ""
    return mail.lower(), _host(subject.website)


def contact(subject: Subject, opened: date, answers: Mapping[str, DomainAnswer]) -> CheckResult:
    """Hold mail, website and phone against name and country. `answers` are the name servers', by
    domain; without them the rest is judged (`syntax_only`).
    """
    sheet = Sheet(Check.CONTACT)
    mail, site = domains(subject)
    given = ", ".join(filter(None, (subject.contact, subject.website, subject.phone)))
    form = sheet.note(at_hand("case file", opened), "contact", given)
    if not mail:
        _mismatch(sheet, f"{subject.contact} is no mail address", form)
    if site == "" and subject.website:
        _mismatch(sheet, f"{subject.website} is no web address", form)
    for domain in dict.fromkeys(filter(None, (mail, site))):
        _exists(sheet, domain, answers.get(domain), takes_mail=domain == mail)
    if mail in DISPOSABLE:
        _mismatch(sheet, f"{mail} gives mailboxes for minutes", form)
    elif mail in FREE:
        _mismatch(sheet, f"{mail} gives mailboxes to anybody, not to {subject.name} only", form)
    elif mail and site and not (set(_labels(mail)) & set(_labels(site))):
        named = [d for d in (mail, site) if carries(subject.name, d)]
        if not named:
            _mismatch(sheet, f"mail at {mail}, website at {site}, neither like the name", form)
    _phone(sheet, subject, form)
    silent = [d for d in (mail, site) if d and not ((a := answers.get(d)) and answered(a))]
    return sheet.result(UNREAD if silent else 0.95, "syntax_only" if silent else "")


def carries(name: str, domain: str) -> bool:
    """Say whether a domain carries a company's name: a word of it, all of it, or its initials."""
    words = [w.shown for w in read_name(name, "Company") if w.weight > SMALL]
    initials = "".join(word[0] for word in words)
    for label in _labels(domain):
        plain = "".join(words_of(label))
        if any(len(w) >= 3 and w in plain for w in words) or plain == "".join(words):
            return True
        if len(plain) >= 2 and initials == plain:
            return True
    return False


def _exists(sheet: Sheet, domain: str, answer: DomainAnswer | None, *, takes_mail: bool) -> None:
    if answer is None:
        sheet.gap(f"contact: nobody asked about {domain}")
        return
    if sheet.unanswered(answer, f"contact, {domain}"):
        return
    told = f"addresses {len(answer.addresses)}, mail servers {', '.join(answer.mail_servers)}"
    seen = sheet.note(answer, domain, told)
    if answer.state is SourceState.NONE:
        _mismatch(sheet, f"the domain {domain} does not exist", seen)
    elif takes_mail and not _takes_mail(answer):
        _mismatch(sheet, f"the domain {domain} takes no mail", seen)


def _takes_mail(answer: DomainAnswer) -> bool:
    """Without a mail server the address itself takes mail (RFC 5321); "." refuses (RFC 7505)."""
    servers = answer.mail_servers
    return NO_MAIL not in servers if servers else bool(answer.addresses)


def _phone(sheet: Sheet, subject: Subject, form: str) -> None:
    if not subject.phone:
        return
    try:
        number = phonenumbers.parse(subject.phone, subject.country)
    except phonenumbers.NumberParseException:
        _mismatch(sheet, f"{subject.phone} is no phone number", form)
        return
    region = phonenumbers.region_code_for_number(number) or "no country"
    if not phonenumbers.is_valid_number(number):
        _mismatch(sheet, f"{subject.phone} is no phone number in use", form)
    elif region not in (subject.country, "001"):  # 001: numbers of no country, as +800
        _mismatch(sheet, f"{subject.phone} is a number of {region}, not {subject.country}", form)


def _mismatch(sheet: Sheet, why: str, seen: str) -> None:
    sheet.find(FindingCode.CONTACT_MISMATCH, why, seen)


def _host(website: str) -> str:
    """Give a web address's host in ASCII, without www; empty if there is none."""
    found = _WEB.match(website.strip())
    try:
        plain = found.group(1).encode("idna").decode().lower() if found else ""
    except UnicodeError:
        return ""
    return plain.removeprefix("www.") if "." in plain else ""


def _labels(domain: str) -> list[str]:
    """Give what of a domain is somebody's own: without its last part and words like co or www."""
    return [label for label in domain.split(".")[:-1] if label not in _OF_DOMAINS]
