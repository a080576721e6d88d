from .catalogue import studies
from .execution import bring_up_to_date
from .study import Exhibits, Settings, Study

__all__ = ["Exhibits", "Settings", "Study", "bring_up_to_date", "studies"]
