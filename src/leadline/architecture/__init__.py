"""What can be known about a network before it runs: cost, formulas of cost, receptive fields, shapes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
