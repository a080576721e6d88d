"""What sees every operator that runs in a block of code."""

from torch.utils._python_dispatch import TorchDispatchMode


class OperatorMode(TorchDispatchMode):
    """A dispatch mode that leaves torch's compiler out of it.

    Torch makes sure that its compiler skips a mode's own code, and imports the compiler for that: a second at the first
    use. Nothing of ours is ever compiled.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False
