"""Many settings computed once each, whatever happens in between: jobs, a store, any executor."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
