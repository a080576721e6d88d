from dataclasses import replace

import numpy as np
import pytest
import torch
from studies.small_colorization import SMALL, small_images
from torch.nn.functional import cross_entropy

from leadline.core import InputError
from leadline.studies.colorization_checkpoints import build_net, read_checkpoint
from leadline.studies.colorization_runs import colour_task, runs_file, train_colorization
from leadline.training import initialized, order

IMAGES = small_images()
SAME_ARITHMETIC = 1e-5  # float32, the same operations by other calls
# Biases before batch normalization have no gradient but rounding, which Adam turns into steps of full size. Training
# does not see them; the running means, which follow late, do.
SAME_BUT_BIASES = 1e-3


def train(folder, **changed):
    given = {"nets": ["transposed"], "seeds": [0], "epochs": 3, "setting": SMALL} | changed
    return train_colorization(IMAGES, folder=folder, **given)


def by_hand(net: str, epochs: int, seed: int = 0):
    """A plain PyTorch loop."""
    task = colour_task(IMAGES, seed, SMALL)
    inputs, targets = torch.from_numpy(task.training[0]), torch.from_numpy(task.training[1]).long()
    model = initialized(lambda: build_net(net, SMALL), seed)
    adam, losses = torch.optim.Adam(model.parameters(), lr=SMALL.lr), []
    for epoch in range(epochs):
        total = 0.0
        for batch in order(seed, epoch, len(inputs)).split(SMALL.batch_size):
            loss = cross_entropy(model(inputs[batch]), targets[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item() * len(batch)
        losses.append(total / len(inputs))
    truth = torch.from_numpy(task.validation[1]).long()
    with torch.no_grad():
        scores = model.eval()(torch.from_numpy(task.validation[0]))
    return losses, float(cross_entropy(scores, truth)), float((scores.argmax(1) == truth).float().mean())


@pytest.mark.parametrize("net", ["pool", "unet"])
def test_numbers_are_those_of_a_plain_loop(tmp_path, net):
    (done,) = train(tmp_path, nets=[net])
    losses, validation, accuracy = by_hand(net, 3)
    assert done.training_loss == pytest.approx(losses, abs=SAME_ARITHMETIC)
    assert done.validation_loss[-1] == pytest.approx(validation, abs=SAME_BUT_BIASES)
    assert done.validation_accuracy[-1] == pytest.approx(accuracy, abs=10 * SAME_BUT_BIASES)


def assert_same(one, other):
    assert one.training_loss == other.training_loss
    assert one.validation_loss == other.validation_loss
    for mine, theirs in ((one.state.parameters, other.state.parameters), (one.state.buffers, other.state.buffers)):
        assert all(torch.equal(value, theirs[name]) for name, value in mine.items())


class KilledError(Exception):
    pass


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path):
    lines = []

    def until_the_third(line: str) -> None:
        lines.append(line)
        if len(lines) == 3:
            raise KilledError

    (whole,) = train(tmp_path / "whole", epochs=5)
    with pytest.raises(KilledError):
        train(tmp_path / "killed", epochs=5, announce=until_the_third)
    assert read_checkpoint(runs_file(tmp_path / "killed", "transposed", 0)).epochs == 3
    (resumed,) = train(tmp_path / "killed", epochs=5, announce=lines.append)
    assert [line.split(": ")[0] for line in lines] == [f"transposed, seed 0, epoch {n}/5" for n in (1, 2, 3, 4, 5)]
    assert_same(whole, resumed)
    (again,) = train(tmp_path / "killed", epochs=5, announce=lines.append)
    assert len(lines) == 5  # nothing was left to do
    assert_same(whole, again)


def test_each_net_and_seed_has_its_file_and_each_seed_its_palette(tmp_path):
    done = train(tmp_path, nets=["pool", "unet"], seeds=[0, 1], epochs=1, setting=replace(SMALL, colours=20))
    assert [(one.net, one.seed) for one in done] == [("pool", 0), ("unet", 0), ("pool", 1), ("unet", 1)]
    assert len(list(tmp_path.iterdir())) == 4
    palettes = [one.palette.colours for one in done]
    assert np.array_equal(palettes[0], palettes[1])
    assert not np.array_equal(palettes[0], palettes[2])


def test_a_run_on_other_images_or_settings_is_not_gone_on_with(tmp_path):
    train(tmp_path, epochs=1)
    with pytest.raises(InputError, match=r"expected a checkpoint of small with Setting\(.*lr=0.5"):
        train(tmp_path, setting=replace(SMALL, lr=0.5))
    other = small_images(side=12)
    with pytest.raises(InputError, match="name another folder or move the file away"):
        train_colorization(other, nets=["transposed"], seeds=[0], epochs=2, folder=tmp_path, setting=SMALL)


def test_the_callers_random_numbers_are_left_alone(tmp_path):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    train(tmp_path, epochs=1)
    assert torch.equal(before, torch.get_rng_state())
