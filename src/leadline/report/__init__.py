"""The page: stored study records and the ledger as one self-contained HTML file. Runs no study."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
