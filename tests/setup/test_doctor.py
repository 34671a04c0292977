"""What `starter.py doctor` finds, on this machine and on worse ones."""

import sys
from pathlib import Path

import pytest

from runtime import doctor
from runtime.settings import Settings
from tests.setup.checkouts import Checkout, script


def test_healthy_machine_has_a_finding_of_each_name(tmp_path: Path) -> None:
    findings = doctor.examine(Settings(data=tmp_path / "not yet" / ".braid"))
    assert [f.name for f in findings] == [
        "python",
        "environment",
        "temporal",
        "disk",
        "data folder",
        "stack",
        "models",
        "loopback",
        "encoding",
    ]
    well = {f.name for f in findings if f.ok}
    assert {"python", "temporal", "disk", "data folder", "stack", "loopback"} <= well
    assert all(f.detail for f in findings)
    assert all(bool(f.mend) is not f.ok for f in findings)
    assert not (tmp_path / "not yet").exists()


def test_old_python_is_a_finding() -> None:
    assert doctor.python((3, 10, 9)).mend.startswith("install Python 3.11")
    assert doctor.python((3, 11, 0)).ok


@pytest.mark.parametrize(
    ("answer", "ok"),
    [
        ("temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)", True),
        ("temporal version 1.9.10 (Server 1.32.0, UI 2.54.1)", False),
        ("temporal version 1.9.1 (Server 1.31.0, UI 2.49.1)", False),
        ("", False),
    ],
    ids=["ours", "other command line", "other server", "silent"],
)
def test_binary_of_another_version_is_a_finding(tmp_path: Path, answer: str, ok: bool) -> None:
    finding = doctor.temporal(script(tmp_path / "temporal", f'echo "{answer}"'))
    assert finding.ok is ok
    assert answer in finding.detail


def test_missing_binary_is_a_finding(tmp_path: Path) -> None:
    finding = doctor.temporal(tmp_path / "temporal")
    assert not finding.ok
    assert "No such file" in finding.detail


def test_data_folder_behind_a_file_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = doctor.writable(tmp_path / "file" / ".braid")
    assert not finding.ok
    assert "BRAID_DATA" in finding.mend


def test_leftover_of_a_dead_stack_is_no_running_stack(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"pid": 1}')
    assert doctor.stack(tmp_path).detail.startswith("none runs")


def test_environment_out_of_step_with_the_locks_is_a_finding(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "checkout", "# other packages\n")
    (checkout.root / ".venv").symlink_to(sys.prefix)
    finding = doctor.environment(checkout.root)
    assert not finding.ok
    assert finding.mend == "run `make setup`"


def test_environment_of_another_making_is_left_to_its_maker(tmp_path: Path) -> None:
    finding = doctor.environment(tmp_path)
    assert finding.ok
    assert "not made by" in finding.detail


@pytest.mark.parametrize(("name", "ok"), [("utf-8", True), ("UTF8", True), ("ascii", False)])
def test_terminal_that_cannot_show_our_letters_is_a_finding(name: str, ok: bool) -> None:
    assert doctor.encoding(name).ok is ok
    assert not doctor.encoding(None).ok
