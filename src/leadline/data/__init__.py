"""Data sets: where they lie, what they hold, and the fingerprint of the file that was read."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
