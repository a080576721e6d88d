from .executors import ProcessPool, dask_executor
from .grids import grid
from .interruption import SweepInterrupted
from .jobs import Job, takes_batch
from .reading import Row, Summary, count_rows, read_rows, summaries
from .stores import StoreError
from .sweeps import SweepResult, sweep
from .tables import frame_of, write_table

__all__ = [
    "Job",
    "ProcessPool",
    "Row",
    "StoreError",
    "Summary",
    "SweepInterrupted",
    "SweepResult",
    "count_rows",
    "dask_executor",
    "frame_of",
    "grid",
    "read_rows",
    "summaries",
    "sweep",
    "takes_batch",
    "write_table",
]
