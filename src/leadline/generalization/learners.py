"""What a factory makes, turned into one thing: (X, y) -> a function that predicts."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from leadline.core import InputError, ModelError

Predict = Callable[[np.ndarray], Any]
_OPERATION = "bias_variance"


def refuse_shared_models(make_model: Any, point: Mapping[str, Any]) -> None:
    """An estimator handed over as such would be left fitted, and one that a factory hands out twice would warm-start.

    Found out before anything is fitted, so that the caller's object stays as it is.
    """
    if not callable(make_model) or _is_module(make_model) or (_is_estimator(make_model) and not _is_class(make_model)):
        raise InputError(
            _OPERATION, expected="a factory: a function that makes a new model at every call",
            got=f"an instance of {type(make_model).__name__}",
            remedy="pass `lambda: Model(...)`, the class itself, or `lambda: sklearn.base.clone(model)`",
        )  # fmt: skip
    first, second = make_model(**point), make_model(**point)
    if first is second and (_is_estimator(first) or _is_module(first)):
        raise InputError(
            _OPERATION, expected="a factory that makes a new model at every call",
            got=f"the same {type(first).__name__} twice", remedy="construct the model inside the factory",
        )  # fmt: skip


def fitted(model: Any, fit: Callable[[Any, np.ndarray, np.ndarray], Any] | None, X: Any, y: Any) -> Predict:
    """Train a fresh model and return what predicts with it."""
    try:
        if fit is not None:
            trained = fit(model, X, y)
            trained = model if trained is None else trained
            return _predictor(trained) if _is_module(trained) or _is_estimator(trained) else trained
        if _is_estimator(model):
            model.fit(X, y)
            return model.predict
        if _is_module(model):
            raise InputError(_OPERATION, expected="how to train a torch module", got="no fit function",
                             remedy="pass fit=function (module, X, y) that trains it in place")  # fmt: skip
        predict = model(X, y)
    except InputError:
        raise
    except Exception as error:
        raise ModelError(_OPERATION, expected="a model that trains", got=f"{type(error).__name__}: {error}",
                         remedy="try the factory's model on one training set") from error  # fmt: skip
    if not callable(predict):
        raise InputError(_OPERATION, expected="a function (X, y) -> predict, where predict is a function of X",
                         got=f"{type(predict).__name__} from {type(model).__name__}",
                         remedy="return the predicting function")  # fmt: skip
    return predict


def _predictor(model: Any) -> Predict:
    if not _is_module(model):
        return model.predict

    def predict(X: np.ndarray) -> np.ndarray:
        torch = sys.modules["torch"]
        model.eval()
        parameter = next(model.parameters(), torch.empty(0))
        with torch.no_grad():
            return model(torch.as_tensor(X).to(parameter)).cpu().numpy()

    return predict


def _is_estimator(model: Any) -> bool:
    return hasattr(model, "fit") and hasattr(model, "predict")


def _is_class(model: Any) -> bool:
    return isinstance(model, type)


def _is_module(model: Any) -> bool:
    torch = sys.modules.get("torch")  # where torch was never imported there is no module either
    return torch is not None and isinstance(model, torch.nn.Module)
