"""Runs the programs of a row in turns and reduces what they print to medians. Prints nothing of its own."""

import os
import resource
import signal
import statistics
import subprocess

from rows import PACE

TIMEOUT = 90  # seconds one run may take, creation of what it measures included


class Skipped(Exception):
    """Why a peer has no figure."""


def run(command, seconds):
    """One run: the figures it printed, by name."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    environment = os.environ | {"BENCH_SECONDS": str(seconds)}
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, errors="replace", start_new_session=True)
    try:
        out, errors = child.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise Skipped(f"no figure within {TIMEOUT} s") from None
    finally:
        try:  # whatever the run left behind
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
    if child.returncode:
        # A panic of Rust tells where in its first line and why in the next.
        lines = [line.strip() for line in errors.splitlines() if line.strip() and not line.startswith("thread '")]
        reason = lines[0] if lines else f"ended with status {child.returncode}"
        raise Skipped(reason[:160])
    return {name: float(value) for name, value in (line.split() for line in out.splitlines())}


def command_of(template, size, folders):
    """The words of a peer's command. Raises Skipped when its program was not built."""
    words = template.format(n=size, **folders).split()
    if "/" not in words[0] and words[0] != "env":
        words[0] = f"{folders['bin']}/{words[0]}"
    for word in words:
        if word.startswith(folders["bin"]) and not os.access(word, os.X_OK):
            raise Skipped(f"{os.path.basename(word)} was not built: its package is missing")
    return words


def measure(row, sizes, rounds, seconds, folders):
    """All runs of a row: {size: {peer: {figure: [a value each round]}}} and {(size, peer): reason}. A row that is paced has one peer more."""
    peers = row.peers | ({"pace": PACE} if row.paced else {})
    runs = {size: {peer: {} for peer in peers} for size in sizes}
    skipped = {}
    names = list(peers)
    for number in range(rounds):
        turn = names[number % len(names):] + names[: number % len(names)]
        for size in sizes:
            for peer in turn:
                if (size, peer) in skipped:
                    continue
                try:
                    if size > row.most.get(peer, size):
                        raise Skipped(f"not tried beyond {row.most[peer]:,}")
                    figures = run(command_of(peers[peer], size, folders), seconds)
                except Skipped as reason:
                    skipped[size, peer] = str(reason)
                    runs[size][peer] = {}
                    continue
                for figure, value in figures.items():
                    runs[size][peer].setdefault(figure, []).append(value)
    return runs, skipped


def median(runs, size, peer, figure):
    """The median of a peer's runs; None when it has no figure."""
    values = runs[size][peer].get(figure)
    return statistics.median(values) if values else None


def compared(runs, size, ours, other, figure, how):
    """The median of `how` over the rounds, ours and the other's run of one round at a time: what disturbs a round disturbs both."""
    pairs = list(zip(runs[size][ours].get(figure, []), runs[size][other].get(figure, [])))
    try:
        return statistics.median(how(a, b) for a, b in pairs) if pairs else None
    except ZeroDivisionError:
        return None


def spread(runs, size, peer, figure):
    """Half of the range of a peer's runs over their median; None when that says nothing."""
    middle, values = median(runs, size, peer, figure), runs[size][peer].get(figure)
    return (max(values) - min(values)) / 2 / middle if middle else None
