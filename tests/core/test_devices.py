import pytest
import torch

from leadline.core import InputError, choose_device


def test_default_is_the_best_there_is():
    assert choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_that_is_not_here():
    with pytest.raises(InputError, match="a device of this machine, got 'cuda:99'"):
        choose_device("cuda:99")
