"""`python -m benchmarks [NAME ...]`: all benchmarks in turn, or those named. Peers that are missing are left out."""

import importlib
import pkgutil
import sys

import benchmarks


def main() -> None:
    """Run the benchmarks."""
    names = sys.argv[1:] or sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    for name in names:
        if not name.startswith("_"):
            print(f"\n== {name}", flush=True)
            sys.argv = [name]  # a benchmark has options of its own
            importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
