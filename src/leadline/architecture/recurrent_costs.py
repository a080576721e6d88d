"""Recurrent operators as wholes: multiply-accumulates and result shapes without unrolling a single step."""

import math

from torch import Tensor

_SEQUENCES = ("lstm", "gru", "rnn_tanh", "rnn_relu")


def sequence_macs(arguments: tuple, keywords: dict, output: Tensor) -> int:
    """Every step multiplies each weight matrix (projections too) once per sequence: rows x elements of all matrices."""
    weights = arguments[_weights_place(arguments)]
    return _rows(arguments) * sum(weight.numel() for weight in weights if weight.dim() == 2)


def result_on_meta(arguments: tuple) -> tuple[Tensor, ...]:
    """What the operator returns, allocated without running it (on meta PyTorch unrolls every step)."""
    place = _weights_place(arguments)
    state, bidirectional = arguments[place - 1], arguments[place + 5]
    states = list(state) if isinstance(state, list | tuple) else [state]
    width = states[0].shape[-1] * (2 if bidirectional else 1)  # h is as wide as the projection where there is one
    output = arguments[0].new_empty((*arguments[0].shape[:-1], width))
    return (output, *(one.new_empty(one.shape) for one in states))


def _weights_place(arguments: tuple) -> int:
    # (input[, batch_sizes], state, weights, has_biases, layers, dropout, train, bidirectional[, batch_first]);
    # the state of an LSTM is a list too, so the weights are the last one.
    return max(place for place, argument in enumerate(arguments) if isinstance(argument, list | tuple))


def _rows(arguments: tuple) -> int:
    return math.prod(arguments[0].shape[:-1])  # steps x sequences, or the rows of a packed sequence


def _cell_macs(arguments: tuple, keywords: dict, output: Tensor) -> int:
    return _rows(arguments) * (arguments[2].numel() + arguments[3].numel())


def _fused_layer_macs(arguments: tuple, keywords: dict, output: Tensor) -> int:
    return _rows(arguments) * (arguments[1].numel() + arguments[2].numel())


RECURRENT_MACS = {
    **dict.fromkeys(_SEQUENCES, sequence_macs),
    **dict.fromkeys([f"{name}_cell" for name in _SEQUENCES], _cell_macs),
    "mkldnn_rnn_layer": _fused_layer_macs,
}
