"""The list of studies. To add one: write its file, name it here."""

from importlib import import_module

from leadline.studies.study import Study

# Modules of this folder, in the order of the report; each defines STUDY.
MODULES: tuple[str, ...] = ()


def studies() -> dict[str, Study]:
    """All studies by name."""
    found = [import_module(f"leadline.studies.{module}").STUDY for module in MODULES]
    return {study.name: study for study in found}
