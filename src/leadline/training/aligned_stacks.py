"""Memory for stacked matrices in which every member's matrix begins at an aligned address.

Matrix and elementwise kernels treat the first and last few numbers before and after an aligned block in another way,
with other rounding. Where members lie so that each begins aligned, a member's bits do not depend on its place in the
stack, hence not on who else is in it.
"""

import torch

MATRIX_BYTES = 64  # matrix products: a cache line
SWEEP_BYTES = 256  # elementwise functions over the whole stack: the widest unrolled vector loop


class AlignedStacks:
    """Named stacks, reused from call to call as long as their shape stays.

    Memory that is freed and asked for again at every step costs large networks a quarter of their time.
    """

    def __init__(self) -> None:
        self.kept: dict[str, torch.Tensor] = {}

    def stack(self, name: str, shape: tuple[int, ...], like: torch.Tensor, alignment: int) -> torch.Tensor:
        """The stack of that name: members first, then a matrix each; what it held before may still be in it.

        >>> stacks, like = AlignedStacks(), torch.zeros(1)
        >>> stacks.stack("a", (2, 3, 5), like, MATRIX_BYTES).stride()
        (16, 5, 1)
        """
        kept = self.kept.get(name)
        if kept is None or kept.shape != shape:
            step = -(-shape[1] * shape[2] * like.element_size() // alignment) * alignment // like.element_size()
            kept = matrices(like.new_zeros(shape[0], step), shape)
            self.kept[name] = kept
        return kept

    def aligned(self, name: str, tensor: torch.Tensor, alignment: int) -> torch.Tensor:
        """The stack itself where its members are aligned, else an aligned copy under that name."""
        step = tensor.stride(0) * tensor.element_size()
        begins = tensor.data_ptr() % MATRIX_BYTES == 0  # as all memory that torch asks for does
        if begins and step % alignment == 0 and tensor.stride()[1:] == (tensor.shape[2], 1):
            return tensor
        return self.stack(name, tuple(tensor.shape), tensor, alignment).copy_(tensor)


def sweep(stack: torch.Tensor) -> torch.Tensor:
    """All the memory of a stack, one row per member: what lies between the members is swept too."""
    return stack.as_strided((stack.shape[0], stack.stride(0)), (stack.stride(0), 1))


def matrices(swept: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The stack of matrices in such memory."""
    return swept.as_strided(shape, (swept.stride(0), shape[2], 1))
