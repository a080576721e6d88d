from .checks import Check, agrees, last_digit, value_check
from .evidence import Evidence, Verdict
from .ledger import Entry, Figure, Ledger, StudyRecord, Table
from .statements import Claim, sources, statements

__all__ = [
    "Check",
    "Claim",
    "Entry",
    "Evidence",
    "Figure",
    "Ledger",
    "StudyRecord",
    "Table",
    "Verdict",
    "agrees",
    "last_digit",
    "sources",
    "statements",
    "value_check",
]
