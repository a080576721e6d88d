"""What a factory makes, turned into one thing: (X, y) -> a function that predicts."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from leadline.core import caller_errors, refuse

Predict = Callable[[np.ndarray], Any]
_OPERATION = "bias_variance"


def refuse_shared_models(make_model: Any, point: Mapping[str, Any]) -> None:
    """An estimator handed over as such would be left fitted, and one that a factory hands out twice would warm-start.

    So would parts that two models share. Found out before anything is fitted, so that the caller's objects stay as
    they are; estimators inside an estimator need no looking for, as `made` clones them.
    """
    if not callable(make_model) or _is_module(make_model) or (_is_estimator(make_model) and not _is_class(make_model)):
        refuse(_OPERATION, "a factory: a function that makes a new model at every call",
               f"an instance of {type(make_model).__name__}",
               "pass `lambda: Model(...)`, the class itself, or `lambda: sklearn.base.clone(model)`")  # fmt: skip
    try:
        inspect.signature(make_model).bind(**point)
    except TypeError as error:
        refuse(_OPERATION, f"a factory that takes {', '.join(point) or 'no argument'}", f"TypeError: {error}",
               "let the names in grid be those of the factory's arguments")  # fmt: skip
    except ValueError:  # some callables tell no signature
        pass
    with _named("a factory that makes a model"):
        first, second = make_model(**point), make_model(**point)
    if first is second and (_is_estimator(first) or _is_module(first)):
        refuse(_OPERATION, "a factory that makes a new model at every call", f"the same {type(first).__name__} twice",
               "construct the model inside the factory")  # fmt: skip
    shared = _tensors(first).keys() & _tensors(second).keys()
    if shared:
        refuse(_OPERATION, "a factory that makes new parameters at every call",
               ", ".join(sorted(_tensors(first)[one] for one in shared)) + " in two models",
               "construct every layer inside the factory, or put in copy.deepcopy(layer)")  # fmt: skip


def made(make_model: Callable[..., Any], point: Mapping[str, Any]) -> Any:
    """A fresh model; scikit-learn's are cloned, since a new pipeline may hold a step that the caller made once."""
    with _named("a factory that makes a model"):
        model = make_model(**point)
        if not hasattr(model, "get_params") or _is_class(model):
            return model
        from sklearn.base import clone

        return clone(model)


def fitted(model: Any, fit: Callable[[Any, np.ndarray, np.ndarray], Any] | None, X: Any, y: Any) -> Predict:
    """Train a fresh model and return what predicts with it.

    Estimators and modules get one column where inputs are single numbers, since that is what they are made for.
    """
    if _is_module(model) and fit is None:
        refuse(_OPERATION, "how to train a torch module", "no fit function",
               "pass fit=function (module, X, y) that trains it in place")  # fmt: skip
    arranged = _in_rows if _is_estimator(model) or _is_module(model) else _as_given
    with _named("a model that trains"):
        if fit is not None:
            trained = fit(model, arranged(X), y)
            trained = model if trained is None else trained
        elif _is_estimator(model):
            model.fit(arranged(X), y)
            trained = model
        else:
            trained = model(X, y)
    predict = trained
    if _is_module(trained) or _is_estimator(trained):
        predict, arranged = _predictor(trained), _in_rows
    if not callable(predict):
        refuse(_OPERATION, "a function (X, y) -> predict, where predict is a function of X",
               f"{type(predict).__name__} from {type(model).__name__}", "return the predicting function")  # fmt: skip

    def predicted(inputs: np.ndarray) -> Any:
        with _named("a model that predicts"):
            return np.asarray(predict(arranged(inputs)))

    return predicted


def _named(expected: str) -> AbstractContextManager[None]:
    return caller_errors(_OPERATION, expected=expected, remedy="try the factory's model on one training set")


def _as_given(X: np.ndarray) -> np.ndarray:
    return X


def _in_rows(X: np.ndarray) -> np.ndarray:
    return X[:, None] if X.ndim == 1 else X


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


def _tensors(model: Any) -> dict[int, str]:
    """Names of a module's parameters and buffers by identity; none of anything else."""
    if not _is_module(model):
        return {}
    return {id(one): name for name, one in (*model.named_parameters(), *model.named_buffers())}


def _is_estimator(model: Any) -> bool:
    return hasattr(model, "fit") and hasattr(model, "predict")


def _is_class(model: Any) -> bool:
    return isinstance(model, type)


def _is_module(model: Any) -> bool:
    torch = sys.modules.get("torch")  # where torch was never imported there is no module either
    return torch is not None and isinstance(model, torch.nn.Module)
