"""`leadline convolution` gives what torch accepts."""

import json

import torch

from leadline.cli.failures import BAD_INPUT


def test_the_solution_works_in_torch(run) -> None:
    done = run("convolution", "--kernel", 5, "--stride", 2, "--from", 32, "--to", 16, "--json")
    assert done.exit_code == 0, done.stderr
    padding, _ = json.loads(done.stdout)["paddings"][0]
    assert torch.nn.Conv1d(1, 1, 5, stride=2, padding=padding)(torch.zeros(1, 1, 32)).shape[-1] == 16


def test_transposed(run) -> None:
    done = run("convolution", "--kernel", 5, "--stride", 2, "--from", 16, "--to", 32, "--transposed")
    assert done.exit_code == 0, done.stderr
    assert "padding 2, output padding 1" in done.stdout.splitlines()[0]


def test_sizes_below_one_are_refused(run) -> None:
    done = run("convolution", "--kernel", 0, "--from", 32, "--to", 16)
    assert done.exit_code == BAD_INPUT
    assert "--kernel" in done.stderr
