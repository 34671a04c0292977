"""A file is explained, whatever wrote it; what is no history is refused in a line that helps."""

import gzip
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from cli.errors import BadInput
from cli.histories import from_file
from tests.insight.builder import Run


def history() -> str:
    run = Run()
    run.call("filings", 0, 50)
    run.finish(60)
    return WorkflowHistory("case-1", run.events).to_json()


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_explained(tmp_path: Path, packed: bool) -> None:
    file = tmp_path / "history.json.gz"
    file.write_bytes(gzip.compress(history().encode()) if packed else history().encode())
    (known,) = from_file(file)
    assert (known.case, known.status, known.events) == ("case-1", "completed", 5)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (history().encode()[:300], "not JSON"),
        (b"PK\x03\x04rest of a zip", "zip"),
        (b"\x89PNG\r\n\x1a\n", "not"),
        (b'{"events": []}', "no events"),
        (b'{"name": "braid", "version": 1}', "neither"),
    ],
)
def test_what_is_no_history_is_refused_in_one_line_that_helps(
    tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "given"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=why) as refused:
        from_file(file)
    assert str(refused.value).startswith(str(file))
    assert "temporal workflow show" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a folder"):
        from_file(tmp_path)
    with pytest.raises(BadInput, match="no such file"):
        from_file(tmp_path / "gone.json")
