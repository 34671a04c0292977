import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.setup.checkouts import Checkout, make_wheel, python_without_ensurepip, script


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout in a folder with spaces, with one wheel to install."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    made = Checkout.make(tmp_path / "my own checkout", make_wheel(wheels))
    return replace(made, env={"PIP_FIND_LINKS": str(wheels)})


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter without ensurepip and pip."""
    python = python_without_ensurepip(tmp_path_factory.mktemp("debian like"))
    tried = subprocess.run(
        [python, "-I", "-c", "import venv, importlib.util as u; print(u.find_spec('ensurepip'))"],
        capture_output=True,
        text=True,
    )
    if tried.stdout.strip() != "None":
        pytest.skip(f"this Python cannot be copied without its ensurepip: {tried.stderr.strip()}")
    return python


@pytest.fixture
def quick(checkout: Checkout, bare_python: Path, tmp_path: Path) -> Checkout:
    """The same checkout, set up without ensurepip: takes a second instead of five."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("no pip at hand to stand on PATH")
    script(tmp_path / "bin" / "pip3", f'exec "{sys.executable}" -m pip "$@"')
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    return replace(checkout, python=bare_python, env={**checkout.env, "PATH": path})
