import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from leadline.architecture.specifications import SpecificationCheck, check_shapes
from leadline.core import InputError, ModelError
from leadline.models import PoolUpsampleNet, StridedTransposedNet, UNet

GREY, COLOURS = (1, 1, 32, 32), (1, 24, 32, 32)


@pytest.mark.parametrize("net", [PoolUpsampleNet, StridedTransposedNet, UNet])
@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_the_colorization_nets_meet_their_specification(net, kernel):
    check = check_shapes(net(kernel, in_channels=1, filters=32, colours=24), GREY, COLOURS)
    assert check.met
    assert check.breach is None
    assert check.actual == COLOURS
    assert "meets 1x1x32x32 -> 1x24x32x32" in check.headline()


def test_names_the_first_convolution_without_padding():
    same = nn.Conv2d(1, 4, 3, padding=1)
    model = nn.Sequential(same, nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 5)), nn.Conv2d(4, 24, 3))
    check = check_shapes(model, GREY, COLOURS)
    assert not check.met
    assert check.actual == (1, 24, 26, 26)
    assert check.breach is not None
    assert (check.breach.path, check.breach.kind) == ("1.1", "Conv2d")
    assert check.breach.reason == "turns 32 into 28 along axis 2; padding 2 would give 32"
    assert "first at 1.1 (Conv2d)" in check.headline()


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.Conv2d(1, 1, 4), r"turns 32 into 29 along axis 2; F.pad by (1, 2) before it would give 32"),
        (nn.Conv2d(1, 1, 3, stride=2), r"turns 32 into 15 along axis 2; padding 1 would give 16"),
        (
            nn.ConvTranspose2d(1, 1, 3, stride=2),
            "turns 32 into 65 along axis 2; padding 1 and output padding 1 would give 64",
        ),
        (nn.MaxPool2d(3), r"turns 32 into 10 along axis 2"),
    ],
)  # fmt: skip
def test_says_what_would_mend_it(layer, reason):
    check = check_shapes(nn.Sequential(layer, nn.ReLU()), GREY, (1, 1, 99, 99))
    assert check.breach is not None
    assert (check.breach.path, check.breach.reason) == ("0", reason)


def test_the_remedy_works():
    assert check_shapes(nn.Conv2d(1, 1, 3, stride=2, padding=1), GREY, (1, 1, 16, 16)).met
    assert check_shapes(nn.ConvTranspose2d(1, 1, 3, 2, 1, 1), GREY, (1, 1, 64, 64)).met


def test_names_the_layer_with_the_wrong_channels():
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 23, 1), nn.ReLU())
    check = check_shapes(model, GREY, COLOURS)
    assert check.breach is not None
    assert (check.breach.path, check.breach.reason) == ("1", "gives 23 along axis 1, specified is 24")


def test_names_the_layer_that_scales_too_much():
    model = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1), nn.MaxPool2d(2), nn.ReLU())
    check = check_shapes(model, GREY, COLOURS)
    assert check.breach is not None
    assert (check.breach.path, check.breach.reason) == ("1", "gives 16 along axis 2, specified is 32")


def test_names_the_layer_that_changes_the_number_of_axes():
    check = check_shapes(nn.Sequential(nn.ReLU(), nn.Flatten()), GREY, COLOURS)
    assert check.breach is not None
    assert (check.breach.path, check.breach.reason) == ("1", "gives 2 axes, specified are 4")


def test_blames_the_model_where_no_layer_is_the_cause():
    check = check_shapes(nn.ReLU(), GREY, COLOURS)
    assert check.breach is not None
    assert (check.breach.path, check.breach.kind) == ("", "ReLU")
    assert "no single layer is the cause" in check.breach.reason


def test_names_the_module_that_raises():
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Sequential(nn.BatchNorm2d(8), nn.Conv2d(4, 24, 3)))
    check = check_shapes(model, GREY, COLOURS)
    assert check.actual is None
    assert check.breach is not None
    assert (check.breach.path, check.breach.input_sizes) == ("1.1", ((1, 8, 30, 30),))
    assert check.breach.reason.startswith("takes 4 channels, given 1x8x30x30: ")
    assert "it does not run; first at 1.1 (Conv2d)" in check.headline()
    assert [one.path for one in check.layers] == ["0", "1.0"]  # those that returned


def test_says_what_a_linear_layer_takes():
    check = check_shapes(nn.Sequential(nn.Flatten(), nn.Linear(100, 10)), (2, 1, 9, 9), (2, 10))
    assert check.breach is not None
    assert check.breach.reason.startswith("takes 100 features, given 2x81: ")


def test_none_is_any_size():
    assert check_shapes(nn.Flatten(), (2, 3, 5), (None, 15)).met
    assert not check_shapes(nn.Flatten(), (2, 3, 5), (None, 14)).met


def test_shapes_of_all_layers():
    check = check_shapes(nn.Sequential(nn.Linear(3, 5), nn.ReLU()), (2, 3), (2, 5))
    shapes = [(one.path, one.input_size, one.output_size, one.is_leaf) for one in check.layers]
    assert shapes == [("", (2, 3), (2, 5), False), ("0", (2, 3), (2, 5), True), ("1", (2, 5), (2, 5), True)]


class LooksAtValues(nn.Module):
    def forward(self, x):
        return x if bool(x.sum() * 0 == 0) else x.mean()


def test_models_that_look_at_values_run_on_the_cpu():
    with pytest.raises(ModelError, match=r'check_shapes: .*pass device="cpu"'):
        check_shapes(LooksAtValues(), (2, 3), (2, 3))
    assert check_shapes(LooksAtValues(), (2, 3), (2, 3), device="cpu").met


def test_a_model_without_tensors():
    class Silent(nn.Module):
        def forward(self, x):
            return None

    check = check_shapes(Silent(), (2, 3), (2, 3))
    assert check.breach is not None
    assert check.breach.reason == "returns no tensor"


def test_refuses_negative_sizes():
    with pytest.raises(InputError, match="expected output sizes of at least 0, or None"):
        check_shapes(nn.ReLU(), (1, 2), (1, -2))


@pytest.mark.parametrize("channels", [3, 4])  # 4: raises half-way
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_the_model_comes_back_untouched(channels, device):
    model = nn.Sequential(nn.BatchNorm2d(channels), nn.Dropout(0.5), nn.Conv2d(3, 2, 3)).train()
    before = {name: (id(one), one.clone()) for name, one in model.state_dict(keep_vars=True).items()}
    random = torch.get_rng_state()
    check = check_shapes(model, (2, channels, 8, 8), (2, 2, 8, 8), device=device)
    assert not check.met
    assert all(module.training for module in model.modules())
    for name, one in model.state_dict(keep_vars=True).items():
        assert id(one) == before[name][0]
        assert torch.equal(one, before[name][1])
    assert torch.equal(random, torch.get_rng_state())
    assert not torch.nn.modules.module._global_forward_hooks


def test_result_is_a_result():
    check = check_shapes(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), GREY, (1, 2, None, 32))
    again = SpecificationCheck.from_dict(check.to_dict())
    assert again.to_dict() == check.to_dict()
    assert again.specified == (1, 2, None, 32)
    frame = check.to_frame()
    assert list(frame["breaks"]) == [False, True, False]
    assert len(check.plot(Figure().subplots()).lines) == 2
    assert "\n" not in check.headline()
