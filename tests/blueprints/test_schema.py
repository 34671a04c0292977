"""The published schema is that of the record."""

from cli.blueprints.schema import FILE, written


def test_the_published_schema_is_of_today() -> None:
    mend = "run `.venv/bin/python -m scripts.blueprint_schema`"
    assert FILE.read_text(encoding="utf-8") == written(), mend
