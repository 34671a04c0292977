"""The first pages of a dossier: head, banner, summary, decision."""

from cli.dossier.markup import (
    Markup,
    chip,
    cited,
    country,
    day,
    digest,
    el,
    facts,
    join,
    moment,
    money,
    phrase,
    section,
    sentence,
    table,
    words,
)
from cli.dossier.view import View
from insight.shown.words import counted
from workflows.data.common import Condition
from workflows.data.decision import DecisionRecord, Signed
from workflows.data.due_diligence import Route, Routing
from workflows.data.findings import HARD
from workflows.data.hits import ReviewedHit

TIERS = {"low": "good", "medium": "warn", "high": "bad", "prohibited": "bad"}
SCHEMES = {"GB-COH": "UK company number", "LEI": "LEI", "CIK": "SEC CIK"}
OUTCOMES = {
    "approve": "good",
    "approve_with_conditions": "good",
    "decline": "bad",
    "refer": "warn",
}


def head(view: View) -> Markup:
    """Name the subject, and beside it what became of the case."""
    subject, product = view.case.subject, view.case.product
    wanted = f"{words(product.kind)}, {money(product.currency, product.monthly)} a month"
    numbers = (f"{SCHEMES.get(i.scheme, i.scheme)} {i.value}" for i in subject.identifiers)
    left = el(
        "div",
        el("p", "Due diligence report", cls="kind"),
        el("h1", subject.name),
        facts(
            (
                ("Identifiers", join(el("div", number) for number in numbers)),
                ("VAT number", subject.vat),
                ("Country", country(subject.country)),
                ("Incorporated", day(subject.incorporated)),
                ("Former names", "; ".join(subject.former_names)),
                ("Listed", "yes" if subject.listed else ""),
                ("Industry code", subject.industry),
                (
                    "Contact",
                    ", ".join(filter(None, (subject.contact, subject.phone, subject.website))),
                ),
                ("Applies for", wanted),
                ("Case", el("code", view.case_id)),
                ("Opened", f"{day(view.case.opened)} by {view.case.author}"),
            )
        ),
    )
    return el("header", left, el("div", *_verdict(view), cls="verdict"))


def _verdict(view: View) -> tuple[Markup, Markup]:
    record, routing = view.decision, view.known.routing
    if record is None:
        route = _route(routing) if routing else ""
        return chip("draft, not decided", "warn"), facts((("Route", route),))
    score = "" if record.risk_score is None else f"{record.risk_score} of 100"
    rows = (
        ("Risk tier", chip(record.tier, TIERS[record.tier])),
        ("Risk score", score),
        ("Confidence", f"{record.confidence:.2f}"),
        ("Decided by", ", ".join(_deciders(record)) or "nobody"),
        ("Decided", moment(record.decided_at)),
        ("Next review", day(record.next_review_due) or "none"),
    )
    return chip(record.outcome, OUTCOMES[record.outcome]), facts(rows)


def _route(routing: Routing) -> str:
    four_eyes = routing.route is Route.FOUR_EYES
    return "Two people, one of them senior" if four_eyes else words(routing.route)


def _deciders(record: DecisionRecord) -> list[str]:
    """Name those who decided, each with the roles they have."""
    roles = {s.user: ", ".join(s.roles) for s in record.signed}
    names = dict.fromkeys(d.by for d in record.decided_by)
    return [f"{name} ({roles[name]})" if roles.get(name) else name for name in names]


def banner(view: View) -> Markup | None:
    """Warn of sources that are not real."""
    if not view.simulated:
        return None
    since = f" Its oldest list or record is of {day(view.oldest)}." if view.oldest else ""
    return el(
        "p",
        el("strong", "Simulated or sample sources. Not for real screening."),
        f"{since} The evidence register says which.",
        cls="banner",
    )


def summary(view: View) -> Markup:
    """Say in a few sentences what was found, each with what it rests on."""
    said = view.narrative
    if said is None:
        return section("1", "Executive summary", el("p", "Not written yet.", cls="note"))
    author = f"{said.model}{' (simulated)' if said.simulated else ''}" if said.model else "rules"
    claims = [el("li", sentence(c.text), " ", cited(c.cites, view.ids)) for c in said.claims]
    hard = sum(len(c.gaps) for c in view.checks if c.check in HARD)
    counts = (
        f"{counted(len(view.checks), 'check')} came to {counted(len(view.findings), 'finding')}"
        f" and {counted(len(view.gaps), 'open gap')}"
        + (f", {hard} of them where the check must be conclusive." if hard else ".")
    )
    dropped = [
        el("li", c.text, " ", el("em", f"dropped: {c.why}"), cls="dropped") for c in said.dropped
    ]
    return section(
        "1",
        "Executive summary",
        el("p", _lead(view), " ", counts),
        el("ul", *claims, cls="claims") if claims else el("p", "No claim was made.", cls="note"),
        el("ul", *dropped) if dropped else None,
        el(
            "p",
            f"Written by {author}; each claim was checked against what it cites:"
            f" {len(said.claims)} held, {len(said.dropped)} dropped.",
            cls="note",
        ),
    )


def _lead(view: View) -> str:
    """Say in a sentence what became of the customer, and on what."""
    record, name = view.decision, view.case.subject.name
    if record is None:
        return f"The case of {name} is open."
    who = " and ".join(dict.fromkeys(d.by for d in record.decided_by)) or "Nobody, in time,"
    codes = dict.fromkeys(phrase(f.code) for f in view.findings)
    why = f", with these findings: {', '.join(codes)}" if codes else ", without a finding"
    verb = {"approve": "approved", "decline": "declined", "refer": "referred"}
    done = verb.get(record.outcome, "approved, with conditions,")
    return f"{sentence(who)} {done} {name} at {record.tier} risk{why}."


def decision(view: View) -> Markup:
    """Say what was decided, by whom, why, and what follows."""
    record = view.decision
    if record is None:
        proposal = view.known.proposal
        text = f"Proposed by the rules: {words(proposal)}." if proposal else "Nothing proposed yet."
        return section("2", "Decision", el("p", text))
    return section(
        "2",
        "Decision",
        _terms(view, record),
        _people(view, record),
        _overrides(record),
        *_asked(record),
        *_reasons(view, record),
        el(
            "p",
            f"Policy {record.policy_version}; decision {record.decision_id}; case file sha256 ",
            digest(record.inputs_sha256),
            "; row of the audit ",
            digest(record.audit_head),
            ".",
            cls="note",
        ),
    )


def _terms(view: View, record: DecisionRecord) -> Markup:
    model = record.model_opinion
    agreed = "as the rules" if model and model.agreed else "other than the rules"
    opinion = f"{words(model.outcome)} ({model.confidence:.2f}), {agreed}" if model else ""
    return facts(
        (
            ("Outcome", chip(record.outcome, OUTCOMES[record.outcome])),
            ("Conditions", join(el("div", _condition(view, c)) for c in record.conditions)),
            ("Proposed by the rules", words(record.proposed) if record.proposed else ""),
            ("Opinion of the model", opinion),
            ("Route", f"{_route(record.routing)}: {record.routing.why}"),
            ("Onboarding", words(record.onboarding)),
            ("Open tasks", join(el("div", sentence(task)) for task in record.open_tasks)),
            ("May be told", record.customer_explanation),
            ("Appeal until", day(record.appeal_until)),
            ("Kept at least until", day(record.retention_until)),
        )
    )


def _condition(view: View, condition: Condition) -> str:
    """Say a condition in words; a limit is an amount a month, in the product's currency."""
    value = condition.value
    if condition.code == "LIMIT" and value.isdecimal():
        value = f"{money(view.case.product.currency, int(value))} a month"
    return f"{words(condition.code)}: {value}"


def _reasons(view: View, record: DecisionRecord) -> tuple[Markup, ...]:
    """List findings in words; gaps by number, as they have a section of their own."""
    refs = {b.ref for b in record.because}
    items = [
        el("li", el("strong", words(f.code)), f": {f.summary} ", cited((f.id,), view.ids))
        for f in view.findings
        if f.id in refs
    ]
    if open_gaps := [g.id for _, g in view.gaps if g.id in refs]:
        told = f"{counted(len(open_gaps), 'open gap')} (section 4): "
        items.append(el("li", told, cited(open_gaps, view.ids)))
    if any(b.code == "REVIEW_EXPIRED" for b in record.because):
        items.append(el("li", "The review was not finished by its deadline."))
    nothing = el("p", "Nothing speaks against the customer.", cls="note")
    return el("h3", "Reasons"), el("ul", *items) if items else nothing


def _asked(record: DecisionRecord) -> tuple[Markup, ...]:
    """Show what the customer was asked, and what became of it."""
    rows = [
        (
            join(el("div", question) for question in asked.wanted.questions),
            words(asked.wanted.about),
            f"{asked.by}, {moment(asked.sent)}",
            moment(asked.answered) or "not answered",
            join((el("div", asked.excerpt), asked.note)),
        )
        for asked in record.information
    ]
    heads = ("Question", "About", "Asked by, when", "Answered", "Answer")
    return (el("h3", "What the customer was asked"), table(heads, rows)) if rows else ()


def _people(view: View, record: DecisionRecord) -> Markup:
    hits = {h.gate: h for h in record.hits}
    rows = [
        (
            s.user + (f" for {s.stands_for}" if s.stands_for else ""),
            ", ".join(s.roles),
            join(("Hit ", cited((hits[s.gate].finding,), view.ids)))
            if s.gate in hits
            else words(s.gate.replace("-", " ")),
            words(_verdict_on(hits.get(s.gate), s)),
            moment(s.at),
            s.comment,
        )
        for s in record.signed
    ]
    heads = ("Person", "Roles", "Question", "Said", "When", "Comment")
    return join((el("h3", "Who decided"), table(heads, rows)))


def _verdict_on(hit: ReviewedHit | None, said: Signed) -> str:
    """Give a verdict; of a hit, what the person made of it."""
    reviews = dict(zip(hit.by, hit.reviews, strict=False)) if hit else {}
    return reviews[said.user].disposition if said.user in reviews else said.verdict


def _overrides(record: DecisionRecord) -> Markup | None:
    if not record.overrides:
        return None
    rows = [(words(o.what), words(o.before), words(o.after), o.by, o.why) for o in record.overrides]
    heads = ("What", "From", "To", "By", "Why")
    return join((el("h3", "Overrides"), table(heads, rows)))
