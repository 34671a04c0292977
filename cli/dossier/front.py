"""The first pages of a dossier: head, banner, summary, decision."""

from cli.dossier.markup import (
    Markup,
    chip,
    cited,
    day,
    digest,
    el,
    facts,
    join,
    moment,
    section,
    sentence,
    table,
    words,
)
from cli.dossier.view import View
from insight.shown.words import counted
from workflows.data.decision import DecisionRecord
from workflows.data.findings import HARD

TIERS = {"low": "good", "medium": "warn", "high": "bad", "prohibited": "bad"}
OUTCOMES = {
    "approve": "good",
    "approve_with_conditions": "good",
    "decline": "bad",
    "refer": "warn",
}


def head(view: View) -> Markup:
    """Name the subject, and beside it what became of the case."""
    subject, product = view.case.subject, view.case.product
    wanted = f"{words(product.kind)}, {product.currency} {product.monthly:,.0f} a month"
    left = el(
        "div",
        el("p", "Due diligence report", cls="kind"),
        el("h1", subject.name),
        facts(
            (
                ("Identifiers", "; ".join(f"{i.scheme} {i.value}" for i in subject.identifiers)),
                ("Country", subject.country),
                ("Incorporated", day(subject.incorporated)),
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
        route = words(routing.route) if routing else ""
        return chip("draft, not decided", "warn"), facts((("Route", route),))
    score = "" if record.risk_score is None else f"{record.risk_score} of 100"
    rows = (
        ("Risk tier", chip(record.tier, TIERS[record.tier])),
        ("Risk score", score),
        ("Confidence", f"{record.confidence:.2f}"),
        ("Decided by", ", ".join(dict.fromkeys(d.by for d in record.decided_by)) or "nobody"),
        ("Decided", moment(record.decided_at)),
        ("Next review", day(record.next_review_due) or "none"),
    )
    return chip(record.outcome, OUTCOMES[record.outcome]), facts(rows)


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
    hard = [c for c in view.checks if c.check in HARD and c.gaps]
    counts = (
        f"{counted(len(view.checks), 'check')} came to {counted(len(view.findings), 'finding')}"
        f" and {counted(len(view.gaps), 'open gap')}, {sum(len(c.gaps) for c in hard)} of them"
        " where the check must be conclusive."
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
    codes = dict.fromkeys(words(f.code).lower() for f in view.findings)
    why = f", with findings of {', '.join(codes)}" if codes else ", without a finding"
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
        _terms(record),
        _people(record),
        _overrides(record),
        el("h3", "Reasons"),
        el("ul", *(el("li", sentence(reason)) for reason in record.reasons))
        if record.reasons
        else el("p", "Nothing speaks against the customer.", cls="note"),
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


def _terms(record: DecisionRecord) -> Markup:
    model = record.model_opinion
    agreed = "as the rules" if model and model.agreed else "other than the rules"
    opinion = f"{words(model.outcome)} ({model.confidence:.2f}), {agreed}" if model else ""
    return facts(
        (
            ("Outcome", chip(record.outcome, OUTCOMES[record.outcome])),
            ("Conditions", "; ".join(f"{words(c.code)}: {c.value}" for c in record.conditions)),
            ("Proposed by the rules", words(record.proposed) if record.proposed else ""),
            ("Opinion of the model", opinion),
            ("Route", f"{words(record.routing.route)}: {record.routing.why}"),
            ("Onboarding", words(record.onboarding)),
            ("Open tasks", join(el("div", task) for task in record.open_tasks)),
            ("May be told", record.customer_explanation),
            ("Appeal until", day(record.appeal_until)),
            ("Kept at least until", day(record.retention_until)),
        )
    )


def _people(record: DecisionRecord) -> Markup:
    rows = [
        (
            s.user + (f" for {s.stands_for}" if s.stands_for else ""),
            ", ".join(s.roles),
            s.gate,
            words(s.verdict),
            moment(s.at),
            s.comment,
        )
        for s in record.signed
    ]
    heads = ("Person", "Roles", "Question", "Said", "When", "Comment")
    return join((el("h3", "Who decided"), table(heads, rows)))


def _overrides(record: DecisionRecord) -> Markup | None:
    if not record.overrides:
        return None
    rows = [(words(o.what), words(o.before), words(o.after), o.by, o.why) for o in record.overrides]
    heads = ("What", "From", "To", "By", "Why")
    return join((el("h3", "Overrides"), table(heads, rows)))
