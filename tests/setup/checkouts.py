"""Checkouts to try the set-up in: real scripts, a lock of one tiny wheel, no package index."""

import base64
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WHEEL = "probe-1.0-py3-none-any.whl"
CONTENT = {
    "probe.py": "def main():\n    print('the probe speaks')\n",
    "probe-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n",
    "probe-1.0.dist-info/WHEEL": (
        "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
    "probe-1.0.dist-info/entry_points.txt": "[console_scripts]\nprobe = probe:main\n",
}


def make_wheel(folder: Path) -> str:
    """Write the wheel of the package `probe`; return the lock line that pins it."""
    record = "".join(f"{name},{_record_hash(text)},{len(text)}\n" for name, text in CONTENT.items())
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        for name, text in CONTENT.items():
            wheel.writestr(name, text)
        wheel.writestr("probe-1.0.dist-info/RECORD", record + "probe-1.0.dist-info/RECORD,,\n")
    digest = hashlib.sha256((folder / WHEEL).read_bytes()).hexdigest()
    return f"probe==1.0 \\\n    --hash=sha256:{digest}\n"


def _record_hash(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return "sha256=" + digest.decode().rstrip("=")


def script(path: Path, *lines: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def python_without_ensurepip(folder: Path) -> Path:
    """Make an interpreter like Debian's without python3-venv: no ensurepip, no pip."""
    real = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
    library = Path(os.__file__).parent
    python = folder / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    python.parent.mkdir(parents=True)
    shutil.copy2(real, python)
    farm = folder / sys.platlibdir / library.name
    farm.mkdir(parents=True)
    for entry in library.iterdir():
        if entry.name not in ("ensurepip", "site-packages", "dist-packages", "__pycache__"):
            (farm / entry.name).symlink_to(entry)
    return python


@dataclass(frozen=True)
class Checkout:
    """A checkout at `root`, set up by `python` with `env`."""

    root: Path
    python: Path = field(default_factory=lambda: Path(sys.executable))
    env: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def make(root: Path, lock: str) -> "Checkout":
        """Lay out the scripts, and locks that hold `lock`."""
        shutil.copytree(ROOT / "scripts", root / "scripts")
        (root / "locks").mkdir()
        (root / "locks" / "run.txt").write_text(lock)
        (root / "locks" / "test.txt").write_text(lock)
        return Checkout(root)

    def environment(self) -> dict[str, str]:
        """The person's environment without pip's settings, and ours on top."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "BRAID_", "UV_"))}
        return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", **self.env}

    def command(self, kind: str = "run") -> list[str]:
        """The command line of the set-up."""
        return [str(self.python), "-I", str(self.root / "scripts" / "setup.py"), kind]

    def set_up(self, kind: str = "run") -> subprocess.CompletedProcess[str]:
        """Run the set-up to its end."""
        return subprocess.run(
            self.command(kind), env=self.environment(), capture_output=True, text=True, timeout=300
        )

    def start(self, kind: str = "run") -> subprocess.Popen[str]:
        """Start the set-up in a process group of its own, its standard error to be read."""
        return subprocess.Popen(
            self.command(kind),
            env=self.environment(),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def left(self) -> list[str]:
        """Names of unfinished or outgoing environments."""
        return sorted(p.name for p in self.root.glob(".venv.*-*"))
