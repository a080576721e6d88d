"""How a signal fares through untrained layers: gains of activations, variance by depth and by width."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
