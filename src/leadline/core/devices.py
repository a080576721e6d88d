"""The choice of the device that an instrument computes on."""

import torch

from leadline.core.errors import InputError


def choose_device(name: str | None = None) -> torch.device:
    """The named device, or CUDA where there is one, or the CPU.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            "choose_device", expected="a device of this machine", got=repr(name), remedy='pass "cpu" or None'
        ) from error
    return device
