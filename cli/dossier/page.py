"""A dossier as one HTML document for A4: no script, no network, nothing but itself."""

import base64
import hashlib
from importlib.resources import files

from cli.dossier import annexes, body, front, register
from cli.dossier.markup import Markup, el, join, moment
from cli.dossier.view import View


def page(view: View) -> str:
    """Write the document. Its policy (CSP) lets nothing be loaded and no script run."""
    style = files("cli.dossier").joinpath("dossier.css").read_text(encoding="utf-8")
    name = f"{view.case.subject.name}: due diligence report"
    parts = (
        front.banner(view),
        front.head(view),
        front.summary(view),
        front.decision(view),
        body.findings(view),
        body.gaps(view),
        body.checks(view),
        body.parties(view),
        annexes.details(view),
        register.evidence(view),
        register.audit(view),
        el("footer", f"{view.case_id}, made {moment(view.made)}"),
    )
    meta = (
        '<meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        f" style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
    )
    # The style is ours, byte for byte: escaping would change it and its hash.
    inner = join((Markup(meta), el("title", name), Markup(f"<style>{style}</style>")))
    document = join((el("head", inner), el("body", el("main", *parts))))
    return f"<!doctype html>\n{el('html', document, lang='en')}\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
