"""How long the curves of double descent on digits take, and how high their peaks stand.

Processor time of one thread; the peak over the higher valley: the least of all seeds, and of the median curve with its
95 % interval over seeds. Target: 1.5 at least along the width of random features, in less than 20 s.
"""

import time

import torch

RUNS = {
    "random features, width": {"axis": "width"},
    "random features, samples": {"axis": "samples"},
    "networks, width": {"axis": "width", "model": "network"},
    "network, epochs": {"axis": "epochs"},
    "two-scale teacher": {"axis": "epochs", "model": "two-scale teacher", "seeds": 20},
}


def main() -> None:
    """Print the table."""
    from leadline.generalization import double_descent

    torch.set_num_threads(1)
    print(f"{'curve':26}{'s':>7}  {'peak':>10}  {'threshold':>10}  {'least ratio':>12}  of the median curve")
    for name, options in RUNS.items():
        began = time.process_time()
        run = double_descent(**options)
        spent = time.process_time() - began
        least = min(shape.ratio for shape in run.shapes)
        ratio, low, high = run.ratio_interval
        edges = sorted(set(run.threshold[run.threshold == run.threshold].tolist()))
        threshold = " ".join(f"{edge:g}" for edge in edges) or "-"
        print(f"{name:26}{spent:7.1f}  {run.peak_at:10.4g}  {threshold:>10}  {least:12.2f}  {ratio:.2f} "
              f"({low:.2f} to {high:.2f})", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
