import random
import subprocess
import sys

import numpy as np
import torch

from leadline.core import numpy_generator, random_state_kept, seed_of, torch_generator


def test_names_give_the_same_numbers_in_any_process():
    code = "from leadline.core import seed_of; print(seed_of('digits', 3))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(output) == seed_of("digits", 3)


def test_parts_are_told_apart():
    names = [("a", 1), ("a", "1"), ("a1",), ("a", 1, ""), ("a",)]
    assert len({seed_of(*name) for name in names}) == len(names)


def test_generators():
    assert numpy_generator("x").random() == numpy_generator("x").random()
    assert torch.equal(torch.rand(3, generator=torch_generator("x")), torch.rand(3, generator=torch_generator("x")))


def numpy_state():
    return np.random.get_state(legacy=False)["state"]["key"].tolist()  # noqa: NPY002


def test_global_states_stay():
    torch.manual_seed(1)
    before = random.getstate(), torch.get_rng_state().tolist(), numpy_state()
    with random_state_kept():
        torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002
    after = random.getstate(), torch.get_rng_state().tolist(), numpy_state()
    assert before == after
