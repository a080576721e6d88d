"""`leadline.profile` beside its peers, warm, on the meta device where a peer allows it.

Each tool is called in turn (A B C A B C ...), so that drift of the machine's speed meets all alike; the table gives the
median time, the ratio to ours, and whether the tool's multiply-accumulates are the ones derived by hand.
"""

import gc
import importlib
import inspect
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import torch
from torch import nn

ROUNDS = 15


def networks() -> dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]]:
    """Name -> factory, input size, multiply-accumulates derived by hand."""
    from leadline.models import vgg

    attention = 2 * 128 * (512 * 1536 + 512 * 512 + 2 * 512 * 2048) + 4 * 8 * 128 * 128 * 64
    return {
        "VGG-19": (lambda: vgg(19), (1, 3, 224, 224), 19_632_062_464),
        "transformer block": (
            lambda: nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True), (2, 128, 512), attention,
        ),
        "GRU, T=2000": (lambda: nn.GRU(64, 128, 2), (2000, 8, 64), 2000 * 8 * 3 * 128 * (64 + 128 + 256)),
    }  # fmt: skip


def tools(size: tuple[int, ...]) -> dict[str, Callable[[nn.Module], int | None]]:
    """Name -> model to multiply-accumulates (None: the tool gives none)."""

    def leadline(model: nn.Module) -> int:
        import leadline

        return leadline.profile(model, input_size=size).macs

    def torchinfo(model: nn.Module) -> int:
        summary = importlib.import_module("torchinfo").summary
        return summary(model, input_size=size, device="meta", verbose=0).total_mult_adds

    def fvcore(model: nn.Module) -> int:
        analysis = importlib.import_module("fvcore.nn").FlopCountAnalysis(model, torch.empty(size, device="meta"))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return int(analysis.total())

    def ptflops(model: nn.Module) -> int:
        count = importlib.import_module("ptflops").get_model_complexity_info
        first = next(iter(inspect.signature(model.forward).parameters))
        macs, _ = count(model, size[1:], input_constructor=lambda _: {first: torch.empty(size, device="meta")},
                        backend="aten", as_strings=False, print_per_layer_stat=False, verbose=False)  # fmt: skip
        return macs

    def calflops(model: nn.Module) -> int:
        count = importlib.import_module("calflops").calculate_flops
        _, macs, _ = count(model, args=[torch.empty(size, device="meta")], print_results=False, print_detailed=False,
                           output_as_string=False)  # fmt: skip
        return macs

    def flop_counter(model: nn.Module) -> int:
        counter = importlib.import_module("torch.utils.flop_counter").FlopCounterMode(display=False)
        with counter:
            model(torch.empty(size, device="meta"))
        return counter.get_total_flops() // 2

    def torchlens(model: nn.Module) -> None:
        lens = importlib.import_module("torchlens")
        options = lens.options.CaptureOptions(structure_only=True)
        lens.trace(model, torch.empty(size, device="meta"), capture=options)

    return {
        "leadline": leadline, "torchinfo": torchinfo, "fvcore": fvcore, "ptflops (aten)": ptflops,
        "calflops": calflops, "FlopCounterMode": flop_counter, "torchlens (structure)": torchlens,
    }  # fmt: skip


def compare(name: str) -> list[tuple[str, float | None, str]]:
    """Tool, median milliseconds, and how its count compares."""
    factory, size, truth = networks()[name]
    with torch.device("meta"):
        model = factory()
    slow = name.startswith("GRU")
    times: dict[str, list[float]] = {}
    found: dict[str, str] = {}
    candidates = tools(size)
    for round_ in range(1 + (2 if slow else ROUNDS)):  # the first warms up
        for tool, run in candidates.items():
            if found.get(tool, "").startswith("raises"):
                continue
            rounds = ROUNDS if tool == "leadline" and slow else 1
            gc.collect()
            started = time.perf_counter()
            try:
                for _ in range(rounds):
                    macs = run(model)
            except Exception as error:  # noqa: BLE001 - a peer that cannot run is a row of the table
                found[tool] = f"raises {type(error).__name__}"
                continue
            elapsed = (time.perf_counter() - started) / rounds
            found[tool] = "-" if macs is None else "exact" if macs == truth else f"{macs / truth:.4f} x truth"
            if round_:
                times.setdefault(tool, []).append(1e3 * elapsed)
    return [(tool, statistics.median(times[tool]) if tool in times else None, found[tool]) for tool in candidates]


def memory_growth_mb(name: str = "VGG-19") -> float:
    """Growth of the process's peak memory by one profile, once torch's own modules are loaded."""
    code = (
        "import resource, torch, leadline as ll; from torch import nn; from benchmarks.profilers import networks;"
        "ll.profile(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),"
        "nn.LazyLinear(5), nn.Dropout()), input_size=(1, 3, 16, 16));"
        f"factory, size, _ = networks()[{name!r}];"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; ll.profile(factory, input_size=size);"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(run.stdout)


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in networks():
        rows = compare(name)
        ours = rows[0][1] or 1.0
        print(f"\n{name}\n{'tool':24}{'ms':>12}{'x ours':>10}  multiply-accumulates")
        for tool, milliseconds, count in rows:
            shown = f"{milliseconds:12.2f}{milliseconds / ours:10.2f}" if milliseconds else f"{'-':>12}{'-':>10}"
            print(f"{tool:24}{shown}  {count}")
    print(f"\npeak memory growth of profiling VGG-19: {memory_growth_mb():.1f} MB")


if __name__ == "__main__":
    main()
