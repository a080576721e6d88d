"""Mean-field predictions against what wide random layers do."""

import numpy as np
import pytest
import torch
from torch import nn

from leadline.initialization import signal_propagation
from leadline.initialization.mean_field import is_plain

CLOSE = 0.15  # of a second moment after several layers of finite width


def stack(activation: type[nn.Module], width: int = 512, depth: int = 4) -> nn.Sequential:
    layers: list[nn.Module] = []
    for place in range(depth):
        layers += [nn.Linear(100 if place == 0 else width, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, 100))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.GELU, nn.Sigmoid])
def test_perceptrons(activation) -> None:
    inputs = torch.randn(64, 100, generator=torch.Generator().manual_seed(0))
    found = signal_propagation(lambda: stack(activation), inputs, draws=2)
    for one in found.layers:
        assert one.forward == pytest.approx(one.predicted_forward, rel=CLOSE)
        assert one.backward == pytest.approx(one.predicted_backward, rel=CLOSE)


def test_convolutions_with_padding_stride_and_groups() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(8, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, stride=2, groups=4), nn.Dropout(0.25),
            nn.Flatten(), nn.Linear(64 * 25, 64),
        )  # fmt: skip

    inputs = torch.randn(16, 8, 12, 12, generator=torch.Generator().manual_seed(0))
    found = signal_propagation(build, inputs, draws=4)
    forward = [(one.forward, one.predicted_forward) for one in found.layers]
    backward = [(one.backward, one.predicted_backward) for one in found.layers]
    np.testing.assert_allclose(*zip(*forward, strict=True), rtol=CLOSE)
    np.testing.assert_allclose(*zip(*backward, strict=True), rtol=2 * CLOSE)


def test_predictions_end_at_a_layer_without_a_rule_and_say_so() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 8))
    found = signal_propagation(model, torch.randn(4, 8))
    assert np.isfinite([one.predicted_forward for one in found.layers]).tolist() == [True, False, False]
    assert any("1 (LayerNorm) has no rule" in note for note in found.caveats)


def test_plain_stacks() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x):
            return x + self.inner(x)

    assert is_plain(nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU())))
    assert not is_plain(nn.Sequential(Residual()))
    found = signal_propagation(Residual(), torch.randn(4, 4))
    assert np.isnan(found.layers[0].predicted_forward)
    assert "predicted only for nn.Sequential stacks" in found.caveats
