"""What is left after Ctrl-C: everything finished, and the line that says how to go on."""


class SweepInterrupted(KeyboardInterrupt):
    """A sweep was stopped from outside; all finished rows are in the store.

    >>> str(SweepInterrupted("runs.db", finished=12))
    'interrupted with 12 rows finished, all kept in runs.db; run the same command to go on'
    """

    def __init__(self, store: str, *, finished: int) -> None:
        self.store, self.finished = store, finished
        super().__init__(
            f"interrupted with {finished} rows finished, all kept in {store}; run the same command to go on"
        )
