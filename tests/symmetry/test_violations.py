"""Tests of symmetry on models whose symmetries are known."""

import copy

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from leadline.core import InputError, ModelError, to_plain
from leadline.models import mlp
from leadline.symmetry import (
    Outcome,
    SymmetryTest,
    equivariance,
    flip,
    generated_by,
    invariance,
    mirror,
    permutation,
    quarter_turn,
    scaling,
    translation,
)

torch.manual_seed(0)  # of the models below
GENERATOR = torch.Generator().manual_seed(0)
DATA = torch.randn(40, 6, generator=GENERATOR)
IMAGES = torch.randn(10, 1, 6, 6, generator=GENERATOR)


class Pooled(nn.Module):
    """Circular convolution, then the mean over places: blind to translations, not to mirroring."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular")
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(torch.relu(self.layer(x))).mean((-2, -1))


def test_the_largest_violation_on_the_data_is_the_loops() -> None:
    model = mlp([6, 8, 3])
    found = invariance(model, mirror(), DATA).tests[0]
    with torch.no_grad():
        differences = (model(DATA.flip(-1)) - model(DATA)).abs().amax(1)
    worst = found.on_data
    assert found.outcome is Outcome.VIOLATED_ON_DATA
    assert found.share_violating == float((differences > 1e-3).double().mean())
    assert worst.at is not None
    assert worst.violation == pytest.approx(float(differences[worst.at]), rel=1e-5)
    np.testing.assert_array_equal(worst.input, DATA[worst.at].numpy())
    with torch.no_grad():
        np.testing.assert_allclose(worst.got, model(DATA[worst.at].flip(-1)), rtol=1e-5)
        np.testing.assert_allclose(worst.expected, model(DATA[worst.at]), rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "transform", "data", "outcome"),
    [
        (Pooled(), generated_by(translation(2), translation(3, axis=-2)), IMAGES, Outcome.NOT_VIOLATED),
        (Pooled(), mirror(), IMAGES, Outcome.VIOLATED_ON_DATA),
        (Pooled(), [translation(2), quarter_turn()], IMAGES, Outcome.VIOLATED_ON_DATA),
        (Pooled(), mirror(), IMAGES + IMAGES.flip(-1), Outcome.VIOLATED_ELSEWHERE),
        (Pooled(), lambda x: torch.cat([x[:, :, 1:], x[:, :, :1]], 2), IMAGES, Outcome.NOT_VIOLATED),
        (lambda x: x.sum(1), permutation([1, 0, 3, 2, 5, 4]), DATA, Outcome.NOT_VIOLATED),
        (lambda x: x.abs().sum(1), scaling(-1), DATA, Outcome.NOT_VIOLATED),
        (lambda x: x.sum(1) + torch.relu(x[:, 0] - x[:, 1] - 1), mirror(), DATA.abs().clamp(max=0.9),
         Outcome.VIOLATED_ELSEWHERE),
    ],
)  # fmt: skip
def test_outcomes(model, transform, data, outcome) -> None:
    found = invariance(model, transform, data)
    assert found.outcome is outcome, found
    assert any("no proof" in note for note in found.caveats) == any(
        one.outcome is Outcome.NOT_VIOLATED for one in found.tests
    )


def test_a_find_of_the_search_is_a_violation_within_the_ball() -> None:
    def model(x):
        return x.sum(1) + torch.relu(x[:, 0] - x[:, 5] - 1)

    data = DATA.abs().clamp(max=0.9)
    found = invariance(model, mirror(), data, bounds=(-0.9, 2.0)).tests[0].by_search
    assert found is not None and found.at is None
    one = torch.from_numpy(found.input)[None]
    assert float((model(one.flip(-1)) - model(one)).abs()) == pytest.approx(found.violation, rel=1e-5)
    assert float(one.norm()) <= float(data.norm(dim=1).max()) * (1 + 1e-6)
    assert float(one.min()) >= -0.9 and float(one.max()) <= 2.0


def broken_off_axis(x):
    return torch.log(x).sum(1) + 10 * torch.relu(x[:, 0] - x[:, 5] - 0.5)


@pytest.mark.parametrize(
    ("model", "outcome"),
    [(lambda x: torch.log(x).sum(1), Outcome.NOT_VIOLATED), (broken_off_axis, Outcome.VIOLATED_ELSEWHERE)],
)
def test_the_search_stays_where_the_model_is_defined(model, outcome) -> None:
    data = DATA.abs().clamp(0.3, 0.7)
    found = invariance(model, mirror(), data)
    assert found.outcome is outcome
    assert "the search met inputs without finite outputs; pass bounds" in found.caveats
    assert found.tests[0].by_search is not None and float(found.tests[0].by_search.input.min()) > 0
    assert not any("pass bounds" in note for note in invariance(model, mirror(), data, bounds=(0.1, 1.0)).caveats)


class Rounds(nn.Module):
    """A sum, with rounding in float32 as large as some violations."""

    def __init__(self, violation: float = 0.0) -> None:
        super().__init__()
        self.violation = violation

    def forward(self, x):
        return (x + 100).sum(1) - 600 + self.violation * torch.tanh(x[:, 0])


class RoundsInFloat32Alone(Rounds):
    """Of its own type, whatever it is given."""

    def forward(self, x):
        return super().forward(x)[:, None] @ torch.ones(1, 1)


@pytest.mark.parametrize(("violation", "outcome"), [(0.0, Outcome.NOT_VIOLATED), (1e-5, Outcome.VIOLATED_ON_DATA)])
def test_what_may_be_rounding_is_decided_in_float64(violation, outcome) -> None:
    model = Rounds(violation)
    found = invariance(model, mirror(), DATA)
    assert found.outcome is outcome
    assert found.tolerance == 8 * torch.finfo(torch.float32).eps
    assert any(
        note.endswith("rounding in float32: decided by a copy of the model in float64") for note in found.caveats
    )
    assert invariance(model, mirror(), DATA.double()).outcome is outcome


@pytest.mark.parametrize("model", [lambda x: Rounds(1e-5)(x), RoundsInFloat32Alone(1e-5)])
def test_what_cannot_be_decided_in_float64_is_said(model) -> None:
    found = invariance(model, mirror(), DATA)
    assert found.outcome is Outcome.NOT_VIOLATED
    (note,) = (note for note in found.caveats if "could be rounding in float32" in note)
    assert note.endswith("and count as such, up to 0.00012")
    assert "e-05 of the outputs, where up to 0.00012 is rounding)" in found.headline()


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_short_types(precision) -> None:
    model = nn.Linear(6, 3).to(precision)
    assert invariance(model, mirror(), DATA.to(precision)).outcome is Outcome.VIOLATED_ON_DATA
    with torch.no_grad():
        model.weight.copy_(model.weight + model.weight.flip(-1))
    assert invariance(model, mirror(), DATA.to(precision)).outcome is Outcome.NOT_VIOLATED


def centred(x):
    return x - x.mean(0)


@pytest.mark.parametrize(
    ("model", "transform"),
    [
        (centred, mirror()),
        (nn.Linear(6, 3), flip(-2)),
        (nn.Linear(6, 3), lambda x: x.roll(1, 0)),
        (lambda x: x + torch.rand_like(x), scaling(1)),
    ],
)
def test_examples_that_depend_on_each_other_are_refused(model, transform) -> None:
    with pytest.raises(InputError, match=r"treat each example by itself, got one that mixes examples.* example \d+"):
        invariance(model, transform, DATA)


def test_decisions_and_outputs_differ() -> None:
    unbiased = nn.Linear(6, 3, bias=False)
    assert invariance(unbiased, scaling(2), DATA).outcome is Outcome.VIOLATED_ON_DATA
    assert invariance(unbiased, scaling(2), DATA, compare="decisions").outcome is Outcome.NOT_VIOLATED
    assert invariance(unbiased, scaling(-2), DATA, compare="decisions").outcome is Outcome.VIOLATED_ON_DATA


def test_a_bias_shows_by_search_where_the_data_are_far_from_it() -> None:
    biased = nn.Linear(6, 1)
    with torch.no_grad():
        biased.weight.fill_(1.0)
        biased.bias.fill_(0.5)
    far = 5 + DATA.abs()
    found = invariance(biased, scaling(0.5), far, compare="decisions")
    assert found.outcome is Outcome.VIOLATED_ELSEWHERE
    shown = found.worst.shown
    assert (shown.expected.item() > 0) != (shown.got.item() > 0)


@pytest.mark.parametrize(("factor", "holds"), [(3.0, True), (0.0, True), (-1.0, False)])
def test_leaky_relu_and_scaling(factor, holds) -> None:
    found = equivariance(nn.LeakyReLU(0.1), scaling(factor), scaling(factor), DATA)
    assert (found.outcome is Outcome.NOT_VIOLATED) == holds


def test_a_circular_convolution_is_equivariant_under_the_group_of_translations() -> None:
    model = nn.Conv2d(1, 3, 3, padding=1, padding_mode="circular")
    group = generated_by(translation(2), translation(1, axis=-2))
    found = equivariance(model, group, group, IMAGES, search_steps=2)
    assert len(found.tests) == 17 and found.outcome is Outcome.NOT_VIOLATED
    other = generated_by(translation(2), translation(2, axis=-2))
    assert equivariance(model, group, other, IMAGES, search_steps=2).outcome is Outcome.VIOLATED_ON_DATA


def test_what_cannot_be_searched_is_said() -> None:
    tokens = torch.arange(12).reshape(3, 4)
    bag = nn.Sequential(nn.Embedding(12, 5), nn.Flatten())
    found = invariance(bag, mirror(), tokens)
    assert found.tests[0].by_search is None and any("no search" in note for note in found.caveats)
    blind = invariance(lambda x: x.argmax(1), mirror(), DATA)
    assert any("search was random" in note for note in blind.caveats)
    assert any("search_steps=0" in note for note in invariance(nn.ReLU(), scaling(2), DATA, search_steps=0).caveats)


def test_arrays_are_taken_in_the_models_type() -> None:
    found = invariance(nn.Linear(6, 2), scaling(1.0), DATA.double().numpy())
    assert found.outcome is Outcome.NOT_VIOLATED


def broken(batch):
    raise RuntimeError("half-way")


@pytest.mark.parametrize("transform", [mirror(), broken])
def test_the_model_comes_back_untouched(transform) -> None:
    model = nn.Sequential(Pooled(), nn.Dropout(0.5))
    model(IMAGES).sum().backward()
    parameters = list(model.parameters())
    parameters[1].requires_grad_(False)
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    gradients = [torch.zeros_like(one).copy_(one.grad) for one in parameters if one.grad is not None]
    if transform is broken:
        with pytest.raises(ModelError, match="RuntimeError: half-way"):
            invariance(model, transform, IMAGES)
    else:
        invariance(model, transform, IMAGES)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    after = [one.grad for one in model.parameters() if one.grad is not None]
    assert len(after) == 4 and all(torch.equal(*pair) for pair in zip(after, gradients, strict=True))
    assert model.training and [one.requires_grad for one in model.parameters()] == [True, False, True, True]
    assert torch.equal(random, torch.get_rng_state())


def test_a_transform_that_writes_on_its_input_does_not_change_the_data() -> None:
    data = DATA.clone()
    invariance(nn.Linear(6, 2), lambda x: x.mul_(2), data)
    assert torch.equal(data, DATA)


def test_the_same_seed_gives_the_same_numbers() -> None:
    model = mlp([6, 8, 2])
    one, other = (to_plain(invariance(model, flip(-1), DATA, seed=1)) for _ in range(2))
    assert one == other


def test_result() -> None:
    found = invariance(Pooled(), [mirror(), translation(1)], IMAGES)
    assert "\n" not in found.headline() and "mirrored" in found.headline()
    assert len(found.to_frame()) == 2
    before = to_plain(found)
    assert found.plot().get_xlabel()
    assert to_plain(found) == before == to_plain(SymmetryTest.from_dict(found.to_dict()))
    assert SymmetryTest.from_dict(found.to_dict()).outcome is found.outcome
    plt.close("all")


@pytest.mark.parametrize(
    ("model", "transform", "data", "options", "error", "message"),
    [
        (nn.ReLU(), mirror(), DATA * torch.inf, {}, InputError, "finite inputs"),
        (nn.ReLU(), [], DATA, {}, InputError, "at least one transform"),
        (nn.ReLU(), 3, DATA, {}, InputError, "a callable on batches, got int"),
        (nn.ReLU(), mirror(), DATA, {"compare": "ranks"}, InputError, "'ranks'"),
        (nn.ReLU(), mirror(), DATA, {"bounds": (1.0, 0.0)}, InputError, "bounds"),
        (nn.ReLU(), mirror(), DATA, {"bounds": (0.5, 9.0)}, InputError, r"hold the data, from -.* got \(0\.5, 9\.0\)"),
        (nn.ReLU(), mirror(), DATA, {"search_steps": -3}, InputError, "search_steps of 0 or more, got -3"),
        (nn.ReLU(), lambda x: x[:3], DATA, {}, InputError, r"each transform, got shape \(3, 6\) for 40 examples"),
        (nn.ReLU(), generated_by(broken), DATA, {}, InputError, "got broken: RuntimeError: half-way"),
        (torch.log, scaling(-1), DATA.abs() + 1, {}, InputError, "finite outputs on the data"),
        (nn.ReLU(), lambda x: x[:, :2], DATA, {}, InputError, r"outputs of shape \(40, 6\)"),
        (nn.Linear(5, 2), mirror(), DATA, {}, ModelError, "the model and the transforms to run"),
        (lambda x: x.sum(), mirror(), DATA, {}, InputError, "a row per example"),
        (lambda x: x / 0, mirror(), DATA, {}, InputError, "finite outputs"),
    ],
)
def test_refusals(model, transform, data, options, error, message) -> None:
    with pytest.raises(error, match=message):
        invariance(model, transform, data, **options)


def test_unequal_numbers_of_transforms_are_refused() -> None:
    with pytest.raises(InputError, match="2 output transforms"):
        equivariance(nn.ReLU(), [mirror(), scaling(2)], [mirror()], DATA)


@pytest.mark.usefixtures("types_unchecked")
@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (torch.utils.data.DataLoader(torch.utils.data.TensorDataset(DATA)), {}, "of examples, got DataLoader: "),
        ("digits", {}, "a tensor or an array of examples, got str"),
        (None, {}, "a tensor or an array of examples, got NoneType"),
        (DATA, {"bounds": (0.0, 1.0, 2.0)}, r"bounds \(low, high\), got \(0.0, 1.0, 2.0\)"),
        (DATA, {"bounds": ("low", "high")}, r"bounds \(low, high\), got \('low', 'high'\)"),
        (DATA, {"bounds": 3}, r"bounds \(low, high\), got 3"),
        (DATA, {"search_steps": 2.5}, "search_steps of 0 or more, got 2.5"),
    ],
)
def test_arguments_of_other_types(data, options, message) -> None:
    with pytest.raises(InputError, match=message):
        invariance(nn.ReLU(), mirror(), data, **options)


@pytest.mark.usefixtures("types_unchecked")
def test_transforms_that_return_nothing() -> None:
    with pytest.raises(InputError, match="from the model and each transform, got NoneType for 40 examples"):
        invariance(nn.ReLU(), lambda x: None, DATA)
    with pytest.raises(InputError, match=r"keep the shape \(2, 6\), got transform: NoneType"):
        invariance(nn.ReLU(), generated_by(lambda x: None), DATA)  # pyright: ignore[reportArgumentType]


def test_data_of_another_precision_take_that_of_the_model():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
    found = invariance(model, mirror(), torch.randn(4, 4, 4, dtype=torch.float64), seed=0)
    assert found.tests
