from .catalogue import studies
from .execution import bring_up_to_date
from .model_checkup import CheckUp, checkup, checkup_sections
from .study import Exhibits, Settings, Study

__all__ = [
    "CheckUp",
    "Exhibits",
    "Settings",
    "Study",
    "bring_up_to_date",
    "checkup",
    "checkup_sections",
    "studies",
]
