from dataclasses import replace

import numpy as np
import pytest
import torch
from studies.small_colorization import SMALL, small_images
from torch.nn.functional import cross_entropy

from leadline.core import DivergedError, InputError
from leadline.studies.colorization_checkpoints import NETS, Setting, build_net, read_checkpoint
from leadline.studies.colorization_runs import (
    PRECISIONS,
    colour_task,
    fastest_precision,
    runs_file,
    train_colorization,
)
from leadline.studies.colour_images import half_mirrored
from leadline.sweep import ProcessPool
from leadline.training import initialized, order

IMAGES = small_images()
SAME_ARITHMETIC = 1e-5  # float32, the same operations by other calls
# Biases before batch normalization have no gradient but rounding, which Adam turns into steps of full size. Training
# does not see them; the running means, which follow late, do.
SAME_BUT_BIASES = 1e-3
SOME_PIXELS = 1.5e-2  # of 384, whose two best colours nearly tie
ROUNDED = 2e-2  # eight bits of mantissa in the forward pass


def train(folder, **changed):
    given = {"nets": ["transposed"], "seeds": [0], "epochs": 3, "setting": SMALL} | changed
    return train_colorization(IMAGES, folder=folder, **given)


def by_hand(net: str, epochs: int, setting: Setting = SMALL, seed: int = 0):
    """A plain PyTorch loop."""
    task = colour_task(IMAGES, seed, setting)
    model = initialized(lambda: build_net(net, setting), seed)
    adam, losses = torch.optim.Adam(model.parameters(), lr=setting.lr), []
    steps = epochs * -(-len(IMAGES.training) // setting.batch_size)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, setting.lr, steps, cycle_momentum=False)
    for epoch in range(epochs):
        total = 0.0
        given = half_mirrored(task.training, seed, epoch) if setting.mirrored else task.training
        inputs, targets = torch.from_numpy(given[0].copy()), torch.from_numpy(given[1].copy()).long()
        for batch in order(seed, epoch, len(inputs)).split(setting.batch_size):
            loss = cross_entropy(model(inputs[batch]), targets[batch])
            adam.zero_grad()
            loss.backward()
            if not setting.cycle:
                adam.param_groups[0]["lr"] = setting.lr
            adam.step()
            cycle.step()
            total += loss.item() * len(batch)
        losses.append(total / len(inputs))
    truth = torch.from_numpy(task.validation[1]).long()
    with torch.no_grad():
        scores = model.eval()(torch.from_numpy(task.validation[0]))
    return losses, float(cross_entropy(scores, truth)), float((scores.argmax(1) == truth).float().mean())


@pytest.mark.parametrize(
    ("net", "setting"),
    [("pool", SMALL), ("unet", SMALL), ("tables", replace(SMALL, lr=0.01, cycle=25, mirrored=True))],
)
def test_numbers_are_those_of_a_plain_loop(tmp_path, net, setting):
    (done,) = train(tmp_path, nets=[net], precision="float32", setting=setting)
    losses, validation, accuracy = by_hand(net, 3, done.setting)
    assert done.setting == replace(setting, cycle=3 if setting.cycle else None)
    assert done.training_loss == pytest.approx(losses, abs=SAME_ARITHMETIC)
    assert done.validation_loss[-1] == pytest.approx(validation, abs=SAME_BUT_BIASES)
    assert done.validation_accuracy[-1] == pytest.approx(accuracy, abs=SOME_PIXELS)


@pytest.mark.parametrize("net", NETS)
def test_in_bfloat16_the_losses_are_nearly_the_same(tmp_path, net):
    exact, rounded = (train(tmp_path / one, nets=[net], precision=one)[0] for one in PRECISIONS)
    assert (exact.precision, rounded.precision) == PRECISIONS
    assert rounded.training_loss != exact.training_loss
    assert rounded.training_loss == pytest.approx(exact.training_loss, abs=ROUNDED)


def test_a_run_keeps_its_precision(tmp_path):
    train(tmp_path, epochs=1, precision="float32")
    (done,) = train(tmp_path, epochs=2)
    assert done.precision == "float32"
    with pytest.raises(InputError, match="float32"):
        train(tmp_path, precision="bfloat16")
    with pytest.raises(InputError, match="expected precision float32 or bfloat16, got 'float16'"):
        train(tmp_path, precision="float16")


def test_a_cycle_is_not_stretched_while_under_way(tmp_path):
    setting = replace(SMALL, cycle=25)
    train(tmp_path, epochs=2, setting=setting)
    with pytest.raises(InputError, match=r"cycle=3.*cycle=2"):
        train(tmp_path, epochs=3, setting=setting)


def test_runs_side_by_side_are_those_of_one_after_the_other(tmp_path):
    told = []
    several = {"nets": ["transposed", "pool"], "seeds": [0, 1]}
    expected = train(tmp_path / "alone", **several)
    train(tmp_path / "pool", epochs=2)
    with ProcessPool(2) as pool:
        done = train(tmp_path / "pool", executor=pool, announce=told.append, **several)
    assert [(one.net, one.seed) for one in done] == [(one.net, one.seed) for one in expected]
    for one, other in zip(done, expected, strict=True):
        assert_same(one, other)
    assert len(told) == 4
    assert sorted(path.name for path in (tmp_path / "pool").iterdir()) == sorted(
        path.name for path in (tmp_path / "alone").iterdir()
    )


def test_a_run_that_fails_ends_the_others_and_says_why(tmp_path):
    diverging = replace(SMALL, lr=1e30)
    with pytest.raises(DivergedError, match="finite losses"), ProcessPool(2) as pool:
        train(tmp_path, seeds=[0, 1], setting=diverging, precision="float32", executor=pool)


def test_an_unknown_device_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a device of this machine"):
        train(tmp_path, device="abacus")


def test_the_default_precision_is_that_of_the_processors_instructions(monkeypatch):
    for can, precision in (({"avx512_bf16": True}, "bfloat16"), ({"amx_bf16": True}, "bfloat16"), ({}, "float32")):
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda can=can: can)
        assert fastest_precision(torch.device("cpu")) == precision


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
