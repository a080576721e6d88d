"""Symmetries of networks: is a model blind to a transform of its input, and how weights are tied to make it so."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
