from .checkup_page import write_checkup
from .page import render_page, write_page
from .tally import Tally, tally

__all__ = ["Tally", "render_page", "tally", "write_checkup", "write_page"]
