"""What a model's error on new data is made of, and how it moves with capacity, data, regularisation and training."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
