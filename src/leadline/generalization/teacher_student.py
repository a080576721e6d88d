"""A linear teacher, a linear student, and the risk between them: over size, data, ridge and training time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from leadline.core import numpy_generator, refuse
from leadline.generalization.lawful_numbers import number, numbers, whole_number
from leadline.generalization.resolvents import exact_least_squares_risk, gradient_flow_risk, ridge_risk
from leadline.generalization.risk_curves import TeacherStudentRisk

_OPERATION = "teacher_student_risk"
_SOURCES = (
    "Hastie, Montanari, Rosset & Tibshirani (2022), Surprises in high-dimensional ridgeless least squares",
    "Advani & Saxe (2017), High-dimensional dynamics of generalization error in neural networks",
)
_BOUNDS = {
    "features": {"whole": True, "least": 1},
    "samples": {"whole": True, "least": 1},
    "ridge": {"least": 0},
    "times": {"least": 0},
}
Numbers = Sequence[int] | Sequence[float] | np.ndarray


@dataclass(frozen=True, kw_only=True)
class _Student:
    """One place on the axis; `ridge` and `time` exclude each other."""

    features: int
    samples: int
    ridge: float
    time: float | None


def teacher_student_risk(
    teacher: Float[np.ndarray, " inputs"],
    *,
    samples: int | Numbers,
    spectrum: Float[np.ndarray, " inputs"] | None = None,
    noise_variance: int | float = 0.0,
    features: int | Numbers | None = None,
    ridge: int | float | Numbers = 0.0,
    times: Numbers | None = None,
    draws: int = 0,
    seed: int = 0,
) -> TeacherStudentRisk:
    """Expected squared error of linear regression on labels of a linear teacher, along one axis.

    Inputs are Gaussian with independent coordinates, labels are inputs @ teacher plus noise. The student is the
    minimum-norm least-squares or ridge solution on the first `features` coordinates, or gradient flow towards it.

    Args:
        teacher: the true coefficients.
        samples: training examples.
        spectrum: variance of each coordinate; all ones (isotropic inputs) by default.
        noise_variance: of the labels, in training and at test.
        features: how many coordinates the student sees; all by default.
        ridge: strength in (1/n) |y - X w|^2 + ridge |w|^2.
        times: stop gradient flow on (1/2n) |y - X w|^2, started at zero, at these times (learning rate x steps).
        draws: simulate this many data sets beside the theory.
        seed: names the simulation's random numbers.
        One of samples, features, ridge and times may be a sequence: the axis.

    Returns:
        Theory (exact where marked, else the limit for many samples and features) and simulation along the axis.

    Raises:
        InputError: two axes, a ridge together with times, or values that are not finite or out of range.

    Source: Hastie, Montanari, Rosset & Tibshirani (2022); Advani & Saxe (2017).

    >>> import numpy as np
    >>> curve = teacher_student_risk(np.full(100, 0.1), samples=50, features=[10, 49, 100], noise_variance=0.1)
    >>> curve.risk.round(3).tolist(), curve.threshold
    ([1.256, inf, 0.702], 50.0)
    """
    teacher = numbers(_OPERATION, "teacher", teacher)
    scales = np.ones(len(teacher)) if spectrum is None else numbers(_OPERATION, "spectrum", spectrum, above=0)
    if len(scales) != len(teacher):
        refuse(_OPERATION, f"a variance for each of {len(teacher)} inputs", f"spectrum of {len(scales)}", "correct it")
    noise = number(_OPERATION, "noise_variance", noise_variance, least=0)
    if whole_number(_OPERATION, "draws", draws, least=0) == 1:
        refuse(_OPERATION, "draws: 0 or at least 2", "1", "a standard error needs them")
    axis, values, students = _students(len(teacher), features=features, samples=samples, ridge=ridge, times=times)
    parts = [_theory(student, teacher, scales, noise) for student in students]
    simulated = _simulated(students, teacher, scales, noise, draws, seed)
    first = students[0]
    threshold = {"features": first.samples, "samples": first.features}.get(axis)
    crossed = threshold is not None and values.min() <= threshold <= values.max()
    exact = np.array([part[2] for part in parts], dtype=bool)
    caveats = ()
    if not exact.all():
        small = min(min(one.samples, one.features) for one in students)
        caveats += ("where not marked exact, theory is the limit for many samples and features "
                    f"(here as few as {small}); draws show how far it is",)  # fmt: skip
    if draws and any(abs(one.features - one.samples) <= 3 and one.ridge == 0 for one in students) and times is None:
        caveats += (
            "next to the interpolation threshold simulated risk has no finite variance: its error bars mislead",
        )
    return TeacherStudentRisk(
        axis=axis,
        values=values,
        noise=noise,
        bias2=np.array([part[0] for part in parts]),
        variance=np.array([part[1] for part in parts]),
        exact=exact,
        draws=draws,
        simulated=simulated.mean(0) if draws else np.zeros(0),
        simulated_error=simulated.std(0, ddof=1) / np.sqrt(draws) if draws else np.zeros(0),
        threshold=float(threshold) if crossed and threshold is not None else None,
        caveats=caveats,
        sources=_SOURCES,
    )


def _students(inputs: int, **given: Any) -> tuple[str, np.ndarray, list[_Student]]:
    if given["features"] is None:
        given["features"] = inputs
    axes = [name for name, value in given.items() if np.ndim(value)]
    timed = given["times"] is not None
    if len(axes) > 1 or (timed and np.any(np.asarray(given["ridge"]))):
        refuse(_OPERATION, "one sequence among samples, features, ridge, times; no ridge with times",
               f"sequences for {', '.join(axes)}", "fix all but one")  # fmt: skip
    lawful = {name: numbers(_OPERATION, name, np.atleast_1d(value), **_BOUNDS[name])
              for name, value in given.items() if value is not None}  # fmt: skip
    numbers(_OPERATION, "features", lawful["features"], most=inputs)
    axis = axes[0] if axes else "samples"
    count = len(lawful[axis])
    columns = {name: np.broadcast_to(values, count) for name, values in lawful.items()}
    students = [
        _Student(features=int(columns["features"][place]), samples=int(columns["samples"][place]),
                 ridge=float(columns["ridge"][place]), time=float(columns["times"][place]) if timed else None)
        for place in range(count)
    ]  # fmt: skip
    return "time" if axis == "times" else axis, lawful[axis], students


def _theory(student: _Student, teacher: np.ndarray, spectrum: np.ndarray, noise: float) -> tuple[float, float, bool]:
    power = spectrum * np.square(teacher)
    unseen = float(power[student.features :].sum())
    seen = {"power": power[: student.features], "spectrum": spectrum[: student.features], "samples": student.samples}
    exact = None
    if student.time is not None:
        bias2, variance = gradient_flow_risk(student.time, **seen)
    else:
        exact = exact_least_squares_risk(**seen) if student.ridge == 0 else None
        bias2, variance = exact if exact is not None else ridge_risk(student.ridge, **seen)
    labels = noise + unseen  # Gaussian coordinates that the student does not see are noise to it
    return bias2 + unseen, labels * variance if labels else 0.0, exact is not None


def _simulated(
    students: list[_Student], teacher: np.ndarray, spectrum: np.ndarray, noise: float, draws: int, seed: int
) -> np.ndarray:
    risks = np.zeros((draws, len(students)))
    largest = max(student.samples for student in students)
    for place in range(draws):
        generator = numpy_generator("teacher_student_risk", seed, place)
        X = generator.standard_normal((largest, len(teacher))) * np.sqrt(spectrum)
        y = X @ teacher + np.sqrt(noise) * generator.standard_normal(largest)
        shape, factors = (0, 0), None
        for column, student in enumerate(students):
            if factors is None or shape != (student.samples, student.features):
                shape = (student.samples, student.features)
                factors = np.linalg.svd(X[: shape[0], : shape[1]], full_matrices=False)
            weights = _fitted(factors, y[: student.samples], student)
            errors = np.concatenate([weights, np.zeros(len(teacher) - student.features)]) - teacher
            risks[place, column] = noise + spectrum @ np.square(errors)
    return risks


def _fitted(factors: tuple[np.ndarray, np.ndarray, np.ndarray], y: np.ndarray, student: _Student) -> np.ndarray:
    left, singular, right = factors
    if student.time is not None:
        gains = -np.expm1(-student.time * np.square(singular) / student.samples) / singular
    else:
        gains = singular / (np.square(singular) + student.samples * student.ridge)
    return right.T @ (gains * (left.T @ y))
