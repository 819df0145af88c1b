"""The detectors, one small entry each, in files by what they look for.

To add one: write an entry in any file of this folder (or in a new file). It is found by itself, and its examples are
its tests. Several entries may share a name: they are ways of writing the same thing and are selected together.
"""

import pkgutil
from importlib import import_module

from masking.detector import Detector


def _discover() -> tuple[Detector, ...]:
    found: list[Detector] = []
    for module in sorted(each.name for each in pkgutil.iter_modules(__path__)):
        for value in vars(import_module(f"{__name__}.{module}")).values():
            if isinstance(value, Detector):
                found.append(value)
    return tuple(found)


ALL = _discover()
NAMES = frozenset(detector.name for detector in ALL)
GROUPS = frozenset(group for detector in ALL for group in detector.groups)


def select(name: str) -> tuple[Detector, ...]:
    """The entries of a detector's name or of a group; empty when nothing is called so."""
    return tuple(detector for detector in ALL if name == detector.name or name in detector.groups)
