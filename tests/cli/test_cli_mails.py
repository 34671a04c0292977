"""Mails that arrive: what is read of them, and those that nobody should answer."""

from email.message import EmailMessage

import pytest

from cli.arriving.desk import identity
from cli.arriving.mails import LONGEST_TEXT, Ignored, from_json, raw
from cli.errors import BadInput
from runtime.smtp import message_id

OURS = "support@harbour.example"


def mail(text: str = "Where is my order?", **headers: str) -> bytes:
    message = EmailMessage()
    given = {"From": "Zoë <zoe@a.example>", "Subject": "Órder", "Message-ID": "<1@a.example>"}
    for name, value in {**given, **{n.replace("_", "-"): v for n, v in headers.items()}}.items():
        if value:
            message[name] = value
    message.set_content(text)
    return message.as_bytes()


def test_a_mail_is_read_with_its_charset_and_attachments_are_only_named() -> None:
    message = EmailMessage()
    message["From"], message["Message-ID"] = "zoe@a.example", "<2@a.example>"
    message["Subject"] = "Réf\xfcnd"
    message.set_content("Größe falsch.\n", charset="iso-8859-1")
    message.add_alternative("<p>Other</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="bill.pdf")
    read = raw(message.as_bytes(), OURS)
    assert (read.sender, read.subject) == ("zoe@a.example", "Réf\xfcnd")
    assert (read.text, read.attachments) == ("Größe falsch.", ("bill.pdf",))


def test_a_page_gives_its_words_and_an_unknown_charset_what_can_be_read() -> None:
    page = b"From: a@b.example\nMessage-ID: <3@b>\nContent-Type: text/html\n\n"
    page += b"<style>x{}</style><p>Hello</p><script>steal()</script> world"
    assert raw(page, OURS).text == "Hello\nworld"
    odd = b"From: a@b.example\nMessage-ID: <4@b>\nContent-Type: text/plain; charset=x-none\n\nHi"
    assert raw(odd, OURS).text == "Hi"


def test_a_subject_cannot_bring_a_second_header_line() -> None:
    read = raw(mail(Subject="=?utf-8?q?Hello=0D=0ABcc=3A_all=40a.example?="), OURS)
    assert "\n" not in read.subject
    assert "\r" not in read.subject


def test_a_long_text_is_cut_and_says_so() -> None:
    read = raw(mail("word " * LONGEST_TEXT), OURS)
    assert len(read.text) <= LONGEST_TEXT
    assert read.text.endswith("the mail is longer]")


def test_the_same_mail_is_the_same_case_and_its_id_names_nobody() -> None:
    once = raw(mail(Message_ID="<zoe.smith@a.example>"), OURS)
    assert identity(once) == identity(raw(mail("Other", Message_ID="<zoe.smith@a.example>"), OURS))
    assert identity(once) != identity(raw(mail(), OURS))
    assert "zoe" not in identity(once)
    without = mail(Message_ID="")
    assert identity(raw(without, OURS)) == identity(raw(without, OURS))
    assert identity(raw(without, OURS)) != identity(raw(mail("Other", Message_ID=""), OURS))


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto-Submitted": "auto-replied"}, "a machine"),
        ({"Auto-Submitted": "auto-generated; x=y"}, "a machine"),
        ({"List-Id": "<news.a.example>"}, "mailing list"),
        ({"Precedence": "bulk"}, "mailing list"),
        ({"Return-Path": "<>"}, "not delivered"),
        ({"From": f"Us <{OURS.upper()}>"}, "our own address"),
        ({"Message-ID": message_id("ab" * 32, OURS)}, "one of ours"),
    ],
)
def test_what_a_machine_or_we_wrote_is_ignored(headers: dict[str, str], why: str) -> None:
    with pytest.raises(Ignored, match=why):
        raw(mail(**headers), OURS)
    assert raw(mail(**{"Auto-Submitted": "no"}), OURS)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[1]", "no object"),
        (b"nothing", "no JSON"),
        (b'{"from": "a@b.example", "text": "x", "cc": "c"}', "cc: not known"),
        (b'{"text": "x"}', "sender"),
    ],
)
def test_fields_that_do_not_fit_are_refused_by_name(body: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        from_json(body, OURS)
    good = b'{"message_id": "<1@b>", "from": "a@b.example", "subject": "s", "text": "x"}'
    assert from_json(good, OURS).sender == "a@b.example"


@pytest.mark.parametrize("noise", [b"", b"\xff\xfe\x00", b"From: nobody\n\nx"])
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(BadInput, match="sender"):
        raw(noise, OURS)


def test_of_several_writers_the_first_is_answered() -> None:
    assert raw(mail(From="a@b.example, c@d.example"), OURS).sender == "a@b.example"
