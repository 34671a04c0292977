"""How `scripts/setup.py` makes, keeps and heals `.venv`: real processes, real pip, no index.

The slow ones are marked `server`, so that they run with `make test` only.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from scripts import installer, setup
from tests.setup.checkouts import ROOT, Checkout, script

pytestmark = pytest.mark.server


@pytest.mark.server
def test_environment_is_made_stamped_and_then_left_alone(checkout: Checkout) -> None:
    made = checkout.set_up()
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
    assert "1 of 1 packages" in made.stderr
    venv = checkout.root / ".venv"
    said = subprocess.run([venv / "bin" / "probe"], capture_output=True, text=True)
    assert said.stdout == "the probe speaks\n", said.stderr
    texts = [p for p in (venv / "bin").iterdir() if p.is_file() and not p.is_symlink()]
    assert not [p.name for p in texts if b".venv.new-" in p.read_bytes()]
    assert json.loads((venv / setup.STAMP).read_text())["kind"] == "run"

    before = (venv / setup.STAMP).stat().st_mtime_ns
    again = subprocess.run(
        [checkout.root / "scripts" / "setup", "run"], capture_output=True, text=True
    )
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert (venv / setup.STAMP).stat().st_mtime_ns == before
    assert checkout.left() == []


@pytest.mark.server
def test_changed_lock_makes_it_anew_and_keeps_the_tools(quick: Checkout) -> None:
    assert quick.set_up("test").returncode == 0
    lock = quick.root / "locks" / "run.txt"
    lock.write_text("# changed\n" + lock.read_text())
    done = quick.set_up("run")
    assert done.returncode == 0, done.stderr
    assert "making .venv for test" in done.stderr
    assert quick.set_up("test").stderr == ""


def test_second_setup_waits_for_the_first_and_says_so(quick: Checkout) -> None:
    with (quick.root / ".venv.lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with quick.start() as waiting:
            assert waiting.stderr is not None
            assert "another set-up runs here (process 4711); waiting" in waiting.stderr.readline()
            assert not (quick.root / ".venv").exists()
            fcntl.flock(lock, fcntl.LOCK_UN)
            rest = waiting.stderr.read()
    assert waiting.returncode == 0, rest
    assert (quick.root / ".venv" / setup.STAMP).exists()


@pytest.mark.server
def test_two_setups_at_once_build_once(quick: Checkout) -> None:
    with quick.start() as first, quick.start() as second:
        said = [p.communicate(timeout=300)[1] for p in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert "".join(said).count("making .venv") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_interrupted_setup_cleans_up_and_leaves_the_old_one(
    quick: Checkout, number: signal.Signals
) -> None:
    old = quick.root / ".venv"
    old.mkdir()
    (old / "mark").write_text("old")
    with quick.start() as process:
        assert process.stderr is not None
        assert "making .venv" in process.stderr.readline()
        os.killpg(process.pid, number)
        rest = process.stderr.read()
    assert process.returncode == 128 + number
    assert rest == "setup: interrupted; .venv is as it was\n"
    assert (old / "mark").read_text() == "old"
    assert quick.left() == []


def test_killed_setup_is_healed_by_the_next(quick: Checkout) -> None:
    with quick.start() as process:
        assert process.stderr is not None
        assert "making .venv" in process.stderr.readline()
        os.killpg(process.pid, signal.SIGKILL)
    half = quick.root / f".venv.new-{process.pid}"
    half.mkdir(exist_ok=True)  # whether it got as far as that is a matter of timing
    healed = quick.set_up()
    assert healed.returncode == 0, healed.stderr
    assert quick.left() == []
    assert (quick.root / ".venv" / setup.STAMP).exists()


def test_missing_ensurepip_pip_and_uv_name_the_package(quick: Checkout) -> None:
    bare = replace(quick, env={**quick.env, "PATH": str(quick.root / "nothing")})
    done = bare.set_up()
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr.splitlines()[-1]
    assert bare.left() == []


def test_old_pip_outside_is_not_used(quick: Checkout) -> None:
    old = script(quick.root / "bin" / "pip3", 'echo "no such option: $1" >&2', "exit 2")
    done = replace(quick, env={**quick.env, "PATH": str(old.parent)}).set_up()
    assert done.returncode == 1
    assert "no pip from 22.3 up" in done.stderr


@pytest.mark.server
def test_uv_makes_it_where_there_is_no_pip(quick: Checkout, tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None or subprocess.run([uv, "--version"], capture_output=True).returncode:
        pytest.skip("uv is not installed")
    line = f'PATH="{os.environ["PATH"]}" exec "{uv}" --no-config --offline "$@"'
    script(tmp_path / "uv only" / "uv", line)
    env = {**quick.env, "PATH": str(tmp_path / "uv only"), "UV_NO_INDEX": "1"}
    done = replace(quick, env=env | {"UV_PYTHON_DOWNLOADS": "never"}).set_up()
    assert done.returncode == 0, done.stderr + (quick.root / setup.LOG).read_text()
    said = subprocess.run([quick.root / ".venv" / "bin" / "probe"], capture_output=True, text=True)
    assert said.stdout == "the probe speaks\n", said.stderr


def test_unreachable_index_gives_one_line_and_keeps_the_log(quick: Checkout) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        env = {"PATH": quick.env["PATH"], "PIP_INDEX_URL": index, "PIP_RETRIES": "1"}
        done = replace(quick, env={**env, "PIP_NO_INDEX": "0"}).set_up()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"setup: {installer.NETWORK} (all of it in {setup.LOG})"
    assert "refused" in (quick.root / setup.LOG).read_text()
    assert quick.left() == []
    assert not (quick.root / ".venv").exists()


def test_package_other_than_the_locked_one_is_refused(quick: Checkout) -> None:
    lock = quick.root / "locks" / "run.txt"
    lock.write_text(re.sub("sha256:.{8}", "sha256:00000000", lock.read_text()))
    done = quick.set_up()
    assert done.returncode == 1
    assert "a downloaded package is not the locked one" in done.stderr.splitlines()[-1]


def test_folder_that_cannot_be_written_gives_one_line() -> None:
    """As root the set-up is run as nobody, for root may write anywhere."""
    root_user = os.geteuid() == 0
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin") if root_user else None
    with tempfile.TemporaryDirectory(prefix="braid read only ") as folder:
        Path(folder).chmod(0o755)
        checkout = Checkout.make(Path(folder) / "checkout", "")
        (checkout.root).chmod(0o555)
        command = [python or str(checkout.python), *checkout.command()[1:]]
        user = 65534 if root_user else None
        fits = "import sys; sys.exit(sys.version_info < (3, 11))"
        if subprocess.run([command[0], "-c", fits], user=user, capture_output=True).returncode:
            pytest.skip("running as root, and no Python from 3.11 up that nobody may run")
        done = subprocess.run(command, user=user, capture_output=True, text=True)
        (checkout.root).chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"setup: {installer.READ_ONLY}\n"


def test_path_with_a_colon_is_refused_with_the_reason(checkout: Checkout) -> None:
    moved = checkout.root.rename(checkout.root.with_name("a:b"))
    done = replace(checkout, root=moved).set_up()
    assert done.returncode == 1
    assert "colon" in done.stderr


@pytest.mark.server
def test_locked_package_comes_from_the_index_through_an_outer_pip(
    quick: Checkout, tmp_path: Path
) -> None:
    """The one test that needs the package index: real hash, real download."""
    pinned = re.search(r"^mdurl==(?:.*\\\n)*.*\n", (ROOT / "locks/run.txt").read_text(), re.M)
    assert pinned
    for kind in setup.KINDS:
        (quick.root / "locks" / f"{kind}.txt").write_text(pinned[0])
    whole = {**os.environ, "PATH": quick.env["PATH"]}
    done = subprocess.run(quick.command(), env=whole, capture_output=True, text=True)
    if installer.NETWORK in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    python = quick.root / ".venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import mdurl"], capture_output=True).returncode == 0
