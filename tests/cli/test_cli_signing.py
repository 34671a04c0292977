"""Keys in files and what they sign: closed to others, never shown, never written over."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import signing
from cli.deciding import which
from cli.errors import BadInput
from runtime.settings import Settings
from starter import app
from tests.support.signing import claims, new_keys, public, token
from workflows.data.common import Decision, GateView, Verdict
from workflows.data.deciders import content_hash, public_key
from workflows.patterns.signatures import Signatures

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_a_key_is_made_once_closed_to_others_and_shown_for_case_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAID_DATA", str(tmp_path))
    file = tmp_path / "identities" / "ana.pem"
    made = CliRunner().invoke(app, ["identity", "new", "ana"])
    assert made.exit_code == 0
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o077) == (0o600, 0)
    shown = CliRunner().invoke(app, ["identity", "show", "ana", "--json"])
    told = json.loads(shown.stdout)
    assert f"keys:\n  ana: {public_key(told['key'])}" in made.stdout
    kept = file.read_bytes()
    again = CliRunner().invoke(app, ["identity", "new", "ana"])
    assert isinstance(again.exception, BadInput)
    assert file.read_bytes() == kept
    assert signing.chosen(Settings.from_env(), "ana", None) == file
    assert signing.chosen(Settings.from_env(), "bo", None) is None
    monkeypatch.setenv("BRAID_IDENTITY", str(tmp_path / "other.pem"))
    assert signing.chosen(Settings.from_env(), "ana", None) == tmp_path / "other.pem"
    assert signing.chosen(Settings.from_env(), "ana", file) == file


def test_a_key_that_cannot_be_used_is_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="identity new"):
        signing.read(tmp_path / "nothing.pem")
    file = tmp_path / "open.pem"
    signing.make(file)
    file.chmod(0o640)
    with pytest.raises(BadInput, match="chmod 600"):
        signing.read(file)
    file.write_text("secret words", encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(BadInput, match="no private key in PEM") as caught:
        signing.read(file)
    assert "secret" not in str(caught.value)


async def test_what_is_signed_here_says_what_others_sign(tmp_path: Path) -> None:
    """The tests' own way of signing knows none of the product's code."""
    key = new_keys("ana")["ana"]
    gate = GateView(
        name="review",
        question="?",
        proposal="",
        needs=(),
        may_decide=(),
        opened=AT,
        deadline=AT,
        signed=True,
    )
    said = Decision(verdict=Verdict.APPROVE, by="ana", comment="é", value={"a": [1, "x"]})
    made = signing.signed(said, "dd-1", gate, key, "senior", AT)
    theirs = claims(said, "dd-1", AT, AT)
    assert content_hash(said) == theirs["decision"]
    signatures = Signatures(public({"ana": key}), "dd-1")
    assert signatures.role(made) == "senior"
    for one in (made, said.model_copy(update={"token": token(key, theirs)})):
        found = signatures.object(one, AT, ())
        assert found is not None
        assert "expired" in found or "future" in found, "all but the time of this loop is right"


def test_the_gate_that_is_meant_is_the_review_or_the_only_one_open() -> None:
    def view(name: str) -> GateView:
        return GateView(
            name=name, question="", proposal="", needs=(), may_decide=(), opened=AT, deadline=AT
        )

    one, other, review = view("hit-1"), view("hit-2"), view("review")
    assert [which("c", gates) for gates in ([], [one], [one, other, review])] == [
        "review",
        "hit-1",
        "review",
    ]
    with pytest.raises(BadInput, match="c has 2 open gates; say --gate hit-1 or hit-2"):
        which("c", [one, other])
