"""Secrets by file: a folder with one file a variable, as containers' platforms mount them."""

import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = "BRAID_SECRETS"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")


def with_secrets(env: Mapping[str, str]) -> Mapping[str, str]:
    """Add what the files of the folder hold, each under its name; a variable that is set wins.

    Files with other names are passed over. Raises ValueError, naming the file, never its content.
    """
    if not (folder := env.get(FOLDER, "")):
        return env
    try:
        files = [f for f in Path(folder).iterdir() if _VARIABLE.fullmatch(f.name) and f.is_file()]
        found = {file.name: file.read_text(encoding="utf-8").strip() for file in files}
    except (OSError, UnicodeDecodeError) as wrong:
        why = getattr(wrong, "strerror", None) or "no text"
        raise ValueError(
            f"{FOLDER}={folder}: {getattr(wrong, 'filename', None) or 'a file'}: {why};"
            " name a folder whose files this user may read"
        ) from wrong
    return {**found, **env}
