"""Write blueprints/schema.json anew, after the record of blueprints changed."""

from cli.blueprints.schema import FILE, written

if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
