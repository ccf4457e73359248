"""Measures the rows that are asked for, prints their tables, and writes plots and all single runs to the output folder."""

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

from measure import measure, median
from plot import plot
from report import growth, table, verdicts
from rows import ROWS

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "benches"
FOLDERS = {"bin": str(OUT / "bin"), "lib": str(ROOT / "target" / "release"), "programs": str(ROOT / "benches" / "programs")}
CLIENTS = "clients"  # a row of its own script, whose figures are wall time


def machine():
    info = Path("/proc/cpuinfo").read_text()
    cpu = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), "unknown")
    return f"{cpu}, {info.count('processor' + chr(9))} cores, Linux {platform.release()}"


def write_plots(row, runs, out):
    for figure, label in row.figures.items():
        series = {peer: [(size, median(runs, size, peer, figure)) for size in runs] for peer in row.peers}
        series = {peer: [point for point in points if point[1] is not None] for peer, points in series.items()}
        drawn = plot(f"{row.name}: {label}", row.of, series)
        if drawn:
            (out / f"{row.name}-{figure}.svg").write_text(drawn)


def do_row(row, options):
    sizes = row.quick if options.quick and row.quick else row.sizes
    print(f"\n== {row.name}: {row.title}" + (f"; floor: {row.floor}" if row.floor else ""), flush=True)
    for peer, command in row.peers.items():
        print(f"  {peer}: {command.format(n='N', bin='bin', lib='lib', programs='programs')}", flush=True)
    start = time.monotonic()
    runs, skipped = measure(row, sizes, options.rounds, 0.1 if options.quick else 0.3, FOLDERS)
    for figure in row.figures:
        print("\n".join(table(row, figure, runs)))
    for reason in dict.fromkeys(f"  left out: {peer} at {size:,}: {why}" for (size, peer), why in skipped.items()):
        print(reason)
    print(f"  {time.monotonic() - start:.0f} s", flush=True)
    write_plots(row, runs, options.out)
    record = {"runs": runs, "skipped": [[*which, why] for which, why in skipped.items()]}
    (options.out / f"{row.name}.json").write_text(json.dumps(record, indent=1))
    return runs


def summary(results):
    print("\n== growth of our own figure from size to size")
    for row, runs in results:
        for figure in row.figures:
            line = growth(row, figure, runs)
            if line:
                print(f"  {line}")
    print("\n== targets")
    judged = []
    for row, runs in results:
        for figure in row.figures:
            for size in runs:
                judged += [(row, figure, size, *each) for each in verdicts(row, figure, size, runs)]
    for row, figure, size, what, met in judged:
        if not met:
            print(f"  missed: {row.name}, {row.figures[figure]}, {size:,} {row.of}: {what}")
    print(f"  {sum(met for *_, met in judged)} of {len(judged)} met")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter runs, without the largest sizes")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each peer; medians are of all of them (5)")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for plots and single runs (target/benches)")
    parser.add_argument("rows", nargs="*", help="rows to measure; all when none is named")
    options = parser.parse_args()
    known = [row.name for row in ROWS] + [CLIENTS]
    unknown = [name for name in options.rows if name not in known]
    if unknown:
        sys.exit(f"no such row: {' '.join(unknown)}. There are: {' '.join(known)}")
    wanted = options.rows or [name for name in known if name != CLIENTS or not options.quick]
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"{machine()}\nbenches/run.sh {' '.join(sys.argv[1:])}".rstrip())
    print(f"medians of {options.rounds} interleaved runs{', short and without the largest sizes' if options.quick else ''}")
    print("×: the first column over the peer's, median of the rounds' ratios; spread: half the range of the first column's runs")
    results = [(row, do_row(row, options)) for row in ROWS if row.name in wanted]
    if results:
        summary(results)
    print(f"\nplots and single runs: {options.out}", flush=True)
    if CLIENTS in wanted:
        print(f"\n== {CLIENTS}: client libraries that nobody changed", flush=True)
        sys.exit(subprocess.call(["bash", str(ROOT / "benches" / "clients.sh"), str(options.rounds)]))


main()
