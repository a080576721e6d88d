"""The executors: anything with `submit`; here the one that needs no process, and the pools."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from leadline.core import InputError


class InProcess(Executor):
    """Computes at once, in the calling process; Ctrl-C reaches the job itself."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """A future that is finished."""
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised where the future is read
            future.set_exception(error)
        return future


class ProcessPool(Executor):
    """A pool of fresh processes, one torch thread each, that replaces itself when a process dies.

    The processes are started anew (spawn), so a program that uses it keeps its own doings under
    `if __name__ == "__main__":`. They ignore Ctrl-C, which is the coordinator's, and end when the coordinator dies.

    Args:
        workers: how many; None: one per CPU.

    >>> with ProcessPool(2) as pool:
    ...     pool.submit(pow, 2, 5).result()
    32
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise InputError("ProcessPool", expected="at least one worker", got=str(workers), remedy="pass e.g. 4")
        self.workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Run `fn(*args, **kwargs)` in one of the processes."""
        with _ctrl_c_held_back():  # new processes inherit it, until they can ignore Ctrl-C by themselves
            if self._pool is not None:
                try:
                    return self._pool.submit(fn, *args, **kwargs)
                except BrokenProcessPool:
                    self.shutdown(wait=False)
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=multiprocessing.get_context("spawn"), initializer=prepare_worker
            )
            first = self._pool.submit(os.getpid)
        try:
            first.result()
        except BrokenProcessPool as error:
            self.shutdown(wait=False)
            raise InputError("ProcessPool", expected="processes that can start", got="one that died while starting",
                             remedy='call it under `if __name__ == "__main__":` in a file') from error  # fmt: skip
        return self.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when they have finished what they do; a later `submit` starts new ones."""
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)
            self._pool = None

    def kill(self) -> None:
        """End the processes now."""
        if self._pool is not None:
            kill_workers(self._pool)
            self.shutdown(wait=True, cancel_futures=True)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.shutdown() if kind is None else self.kill()


class DaskExecutor(Executor):
    """The workers of a Dask client.

    Dask's own executor takes a result whose worker dies while it is fetched for an error of another form; here it is
    waited for until it has been computed again.

    Args:
        client: a `distributed.Client`.
        is_own: close it when this executor is shut down.
    """

    def __init__(self, client: Any, *, is_own: bool = False) -> None:
        self.client, self._is_own = client, is_own

    @property
    def workers(self) -> int:
        """Threads of all workers that are there now; they come and go."""
        return max(1, sum(self.client.nthreads().values()))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Run `fn(*args, **kwargs)` on one of the workers."""
        # Pure: two calls with the same arguments would be the same call, also when the first was lost.
        task, answer = self.client.submit(fn, *args, pure=False, **kwargs), Future()
        answer.add_done_callback(lambda answer: task.cancel() if answer.cancelled() else None)
        task.add_done_callback(lambda task: _pass_on(task, answer))
        return answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the client where it is the executor's own."""
        if self._is_own:
            self.client.close()


def _pass_on(task: Any, answer: Future) -> None:
    if answer.set_running_or_notify_cancel():
        try:
            answer.set_result(task.result())
        except BaseException as error:  # noqa: BLE001 - it is raised where the future is read
            answer.set_exception(error)


def dask_executor(address: str) -> Executor:
    """The workers of the Dask scheduler at an address, as an executor.

    Raises:
        InputError: the package distributed is not installed, or nobody answers at the address.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("dask_executor", expected="the package distributed", got=str(error),
                         remedy="pip install 'leadline[dask]'") from error  # fmt: skip
    try:
        return DaskExecutor(Client(address), is_own=True)
    except (OSError, ValueError) as error:
        raise InputError("dask_executor", expected="a Dask scheduler", got=f"{address} ({error})",
                         remedy="start one with `dask scheduler` and name its tcp:// address") from error  # fmt: skip


def prepare_worker() -> None:
    """Make a fresh process a good worker: one thread, deaf to Ctrl-C, not outliving its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # read by the libraries when they load
    if (torch := sys.modules.get("torch")) is not None:  # the caller's program has loaded it already
        torch.set_num_threads(1)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def kill_workers(pool: ProcessPoolExecutor) -> None:
    """End the processes of a standard pool, which offers no way to."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _die_with_parent() -> None:
    # A worker waits for work on a pipe that it holds open itself: it would wait for ever.
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
