"""The compiled code of what every new workflow loads anew, kept in memory.

The sandbox imports the modules of a workflow for each instance. Python would look for their files
each time, and where no bytecode is written (PYTHONDONTWRITEBYTECODE, a folder that is read-only)
compile them each time, which was half of what due diligence cost a worker. Kept code stays what it
was when the worker began, as that of passed-through modules does, whatever becomes of the files.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType

from temporalio import workflow


class _Loader(SourceFileLoader):
    """Loads one module, any number of times, from code it reads once.

    `folder` is where its own modules are looked for, if it is a package.
    """

    def __init__(self, name: str, path: str, folder: list[str] | None) -> None:
        super().__init__(name, path)
        self._folder, self._code = folder, super().get_code(name)

    def get_code(self, fullname: str) -> CodeType | None:  # noqa: ARG002
        """Give the code that was read."""
        return self._code

    def spec(self) -> ModuleSpec | None:
        """Describe the module for one more import: no two share more than the code."""
        folder = None if self._folder is None else list(self._folder)
        return spec_from_file_location(
            self.name, self.path, loader=self, submodule_search_locations=folder
        )


class _Finder(MetaPathFinder):
    """Finds, inside a sandbox, what was found there before."""

    def __init__(self) -> None:
        self._loaders: dict[str, _Loader] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Describe a module of Python source; leave any other, and all outside, to the others."""
        if not workflow.unsafe.in_sandbox():
            return None
        if (loader := self._loaders.get(fullname)) is None:
            found = PathFinder.find_spec(fullname, path, target)
            if found is None or type(found.loader) is not SourceFileLoader:
                return found
            loader = _Loader(fullname, found.loader.path, found.submodule_search_locations)
            self._loaders[fullname] = loader
        return loader.spec()


_FINDER = _Finder()


def keep_code() -> None:
    """Keep the code of what sandboxes load, from now on and in the whole process."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
