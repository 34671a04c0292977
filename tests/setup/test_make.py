"""The Makefile and .ci/run, run for real in a checkout whose path has spaces."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.setup.checkouts import ROOT, Checkout, script

pytestmark = pytest.mark.server

STARTER = "import json, sys; print(json.dumps(sys.argv[1:]))\n"


def run(
    command: Sequence[str | Path], checkout: Checkout, **env: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in checkout.environment().items() if not k.startswith(("MAKE", "ARGS"))}
    whole = {**kept, "BRAID_PYTHON": str(checkout.python), **env}
    return subprocess.run(command, cwd=checkout.root, env=whole, capture_output=True, text=True)


@pytest.fixture
def house(checkout: Checkout) -> Checkout:
    """A checkout with the Makefile, where nothing is set up yet."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy2(ROOT / "Makefile", checkout.root / "Makefile")
    (checkout.root / "starter.py").write_text(STARTER)
    return checkout


def test_demo_from_nothing_prints_only_what_the_demo_prints(quick: Checkout) -> None:
    shutil.copy2(ROOT / "Makefile", quick.root / "Makefile")
    (quick.root / "starter.py").write_text(STARTER)
    done = run(["make", "-s", "-j4", "demo", "ARGS=--crash --json"], quick)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["demo", "--crash", "--json"]
    assert ".venv is ready" in done.stderr
    again = run(["make", "-s", "demo"], quick)
    assert (json.loads(again.stdout), again.stderr) == (["demo"], "")


def test_failed_setup_stops_the_demo(house: Checkout) -> None:
    done = run(["make", "-s", "demo"], house, BRAID_PYTHON="/nowhere/python")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "is no Python that runs" in done.stderr


def test_make_alone_teaches_every_target(house: Checkout) -> None:
    taught = run(["make"], house).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert phony
    missing = [t for t in phony[1].split() if t != "help" and f"make {t}" not in taught]
    assert missing == []
    assert not (house.root / ".venv").exists()


def test_clean_keeps_cases_and_takes_the_rest(house: Checkout) -> None:
    gone = [".venv/bin", ".venv.new-1", ".mypy_cache", "runtime/__pycache__"]
    for name in (*gone, ".braid/logs"):
        (house.root / name).mkdir(parents=True)
    assert run(["make", "clean"], house).returncode == 0
    assert [name for name in gone if (house.root / name).exists()] == []
    assert (house.root / ".braid" / "logs").exists()
    assert run(["make", "clean"], house).returncode == 0


def test_clean_data_waits_for_no_stack(house: Checkout) -> None:
    data = house.root / ".braid"
    data.mkdir()
    (data / "stack.json").write_text(json.dumps({"nonce": "ab", "pid": os.getpid()}))
    refused = run(["make", "clean-data"], house)
    assert refused.returncode != 0
    assert f"process {os.getpid()}" in refused.stderr
    assert data.exists()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (data / "stack.json").write_text(json.dumps({"nonce": "ab", "pid": ended.pid}))
    assert run(["make", "clean-data"], house).returncode == 0
    assert not data.exists()
    assert run(["make", "clean-data"], house).returncode == 0


class Builder:
    """A machine of the continuous integration, with made-up apt-get and make."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.bin = checkout.root.parent / "bin"
        for name in ("bash", "grep", "dirname", "env"):
            self.bin.mkdir(exist_ok=True)
            (self.bin / name).symlink_to(shutil.which(name) or f"/bin/{name}")
        (checkout.root / ".ci").mkdir()
        (checkout.root / "tests").mkdir()
        shutil.copy2(ROOT / ".ci" / "run", checkout.root / ".ci" / "run")
        listed = re.search(r"packages=\((\w+)", (ROOT / ".ci" / "run").read_text())
        assert listed
        self.package = listed[1]
        script(self.bin / "make", 'echo "made $*"', "exit ${MADE:-0}")
        script(self.bin / "apt-get", 'echo "apt $*" >&2', "exit ${FETCHED:-0}")

    def needs_package(self) -> None:
        (self.checkout.root / "tests" / "test_ui.py").write_text(f'BROWSER = "{self.package}"\n')

    def run(self, **env: str) -> subprocess.CompletedProcess[str]:
        return run([self.checkout.root / ".ci" / "run"], self.checkout, PATH=str(self.bin), **env)


@pytest.fixture
def builder(checkout: Checkout) -> Builder:
    return Builder(checkout)


def test_ci_installs_nothing_that_no_test_needs(builder: Builder) -> None:
    done = builder.run()
    assert (done.returncode, done.stdout) == (0, "made test\n")
    assert "apt" not in done.stderr


def test_ci_installs_what_a_test_needs_and_is_not_there(builder: Builder) -> None:
    builder.needs_package()
    done = builder.run()
    assert (done.returncode, done.stdout) == (0, "made test\n")
    assert re.search(rf"apt install .*{builder.package}", done.stderr)
    script(builder.bin / builder.package, "exit 0")
    assert "apt" not in builder.run().stderr


def test_ci_fails_when_the_package_cannot_be_had(builder: Builder) -> None:
    builder.needs_package()
    done = builder.run(FETCHED="100")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"ci: apt-get could not install {builder.package}" in done.stderr


def test_ci_fails_when_the_tests_fail(builder: Builder) -> None:
    assert builder.run(MADE="2").returncode == 2


def test_every_script_can_be_executed() -> None:
    names: tuple[Path, ...] = (
        ROOT / ".ci/run",
        ROOT / "scripts/setup",
        ROOT / "scripts/clean-data",
    )
    assert [p.name for p in names if not os.access(p, os.X_OK)] == []
