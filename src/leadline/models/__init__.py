"""The small zoo: architectures that the studies, the examples and the tests measure."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
