"""Which Python `scripts/setup` takes: real shell, interpreters with made-up versions."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.setup.checkouts import ROOT, script


class Machine:
    """A PATH of two folders with nothing on it but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "my checkout"
        self.first, self.second = folder / "first bin", folder / "second"
        (self.root / "scripts").mkdir(parents=True)
        shutil.copy2(ROOT / "scripts" / "setup", self.root / "scripts" / "setup")
        self.first.mkdir()
        self.second.mkdir()
        (self.second / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")

    def python(self, path: Path, version: str, kind: str = "cpython") -> Path:
        """Put a Python that says it is `version` and, asked to run a script, prints its name."""
        numbers, level = (version[:-3], "candidate") if "rc" in version else (version, "final")
        info = (*map(int, numbers.split(".")), level, 0)
        pretence = (
            f"import sys; sys.version_info = {info!r}; sys.version = '{version} (made up)';"
            f" sys.implementation.name = '{kind}'"
        )
        return script(
            path,
            f'if [ "$1" = -ES ]; then exec "{sys.executable}" -ES -c "{pretence}',
            '$3"; fi',
            f'echo "{path.name} {version}: $*"',
        )

    def run(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", self.root / "scripts" / "setup", "run"],
            env={"PATH": f"{self.first}:{self.second}", **env},
            capture_output=True,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        ({"python3.11": "3.11.9", "python3.13": "3.13.1", "python3.12": "3.12.8"}, "3.13.1"),
        ({"python3.9": "3.9.18", "python3.10": "3.10.1", "python3.11": "3.11.2"}, "3.11.2"),
        ({"python3.13": "3.13.0", "python3.15": "3.15.0rc1"}, "3.13.0"),
        ({"python3.10": "3.10.9", "python3.15": "3.15.0rc1"}, "3.15.0rc1"),
        ({"python": "3.12.4"}, "3.12.4"),
        ({"python3": "3.11.4", "python": "2.7.18"}, "3.11.4"),
        ({"python3.9": "3.9.1", "python3.20": "3.20.0"}, "3.20.0"),
    ],
    ids=["newest", "old ones beside", "final first", "only rc", "python", "python3", "two digits"],
)
def test_newest_fitting_python_is_taken(
    machine: Machine, present: dict[str, str], chosen: str
) -> None:
    for name, version in present.items():
        machine.python(machine.first / name, version)
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert f" {chosen}: -I {machine.root}/scripts/setup.py run" in done.stdout


def test_shim_that_fails_is_passed_over_for_a_later_one_of_its_name(machine: Machine) -> None:
    script(machine.first / "python3.13", "echo 'command not found' >&2", "exit 127")
    script(machine.first / "python3.14", "exit 0")
    machine.python(machine.first / "python3", "3.11.7")
    machine.python(machine.second / "python3.13", "3.13.2")
    done = machine.run()
    assert "python3.13 3.13.2:" in done.stdout
    assert done.stderr == ""


def test_other_implementation_is_passed_over(machine: Machine) -> None:
    machine.python(machine.first / "python3", "3.12.9", kind="pypy")
    machine.python(machine.second / "python3.11", "3.11.1")
    assert "python3.11 3.11.1:" in machine.run().stdout


def test_old_python_gives_one_line_with_its_version_and_the_mend(machine: Machine) -> None:
    machine.python(machine.first / "python3", "3.9.18")
    machine.python(machine.second / "python3.8", "3.8.1")
    done = machine.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "newest found is 3.9.18" in done.stderr
    assert "apt install python3" in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_python_gives_one_line(machine: Machine) -> None:
    done = machine.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "no Python was found; Braid needs 3.11 or newer" in done.stderr
    assert done.stderr.count("\n") == 1


def test_python_of_uv_is_taken_when_path_has_none(machine: Machine) -> None:
    managed = machine.python(machine.root.parent / "uv pythons" / "python3.12", "3.12.6")
    machine.python(machine.first / "python3", "3.10.2")
    script(machine.first / "uv", f'[ "$1 $2" = "python find" ] && echo "{managed}"')
    assert "python3.12 3.12.6:" in machine.run().stdout


def test_named_python_goes_before_a_newer_one(machine: Machine) -> None:
    machine.python(machine.first / "python3.13", "3.13.1")
    named = machine.python(machine.root.parent / "own" / "py", "3.11.5")
    assert "py 3.11.5:" in machine.run(BRAID_PYTHON=str(named)).stdout


def test_named_python_that_is_old_or_absent_is_refused(machine: Machine) -> None:
    machine.python(machine.first / "python3.13", "3.13.1")
    old = machine.python(machine.root.parent / "own" / "py", "3.10.5")
    done = machine.run(BRAID_PYTHON=str(old))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"BRAID_PYTHON={old} is Python 3.10.5" in done.stderr
    absent = machine.run(BRAID_PYTHON="/nowhere/python")
    assert (absent.returncode, absent.stdout) == (1, "")
    assert "is no Python that runs" in absent.stderr
