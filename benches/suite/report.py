"""Tables for a terminal: a line a size, a column a peer with its figure and ours over its, and whether the target is met."""

from operator import sub, truediv

from measure import compared, median, spread
from rows import PACE_NS


def number(value):
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def times(ratio):
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}"


def at_pace(target, row, size, runs):
    """What the figure would be at the pace of the machine where its limit was set; nothing where that is not known."""
    ratio = compared(runs, size, row.first, "pace", target.figure, truediv) if row.paced and target.figure == "ns" else None
    return f" ({number(ratio * PACE_NS)} where fcontext's switch takes {PACE_NS})" if ratio else ""


def verdict(target, row, size, runs):
    """(text, met) of a target at a size, or None when it asks nothing there or its peer is missing."""
    limit = target.limit.get(size) if isinstance(target.limit, dict) else target.limit
    ours = target.of or row.first
    value = median(runs, size, ours, target.figure)
    if limit is None:
        return None
    if value is None:
        return f"no figure of {ours}", False
    if not target.to:
        return f"at most {number(limit)}{at_pace(target, row, size, runs)}", value <= limit
    reached = compared(runs, size, ours, target.to, target.figure, sub if target.difference else truediv)
    if reached is None:
        return None
    if target.difference:
        return f"at most {target.to} + {number(limit)}: {reached:+.2f}", reached <= limit
    who = f"{ours} " if target.of else ""
    return f"{who}at most {limit:.2f} × {target.to}: {reached:.2f}", reached <= limit


def verdicts(row, figure, size, runs):
    found = (verdict(target, row, size, runs) for target in row.targets if target.figure == figure)
    return [each for each in found if each]


def line(row, figure, size, runs):
    """The cells of a size: each peer's median, and the first peer's runs over its runs of the same rounds."""
    cells = [number(size)]
    for peer in row.peers:
        ratio = compared(runs, size, row.first, peer, figure, truediv) if peer != row.first else None
        cells.append(number(median(runs, size, peer, figure)) + (f" ×{times(ratio)}" if ratio is not None else ""))
    apart = spread(runs, size, row.first, figure)
    found = verdicts(row, figure, size, runs)
    words = "; ".join(f"{text} {'met' if met else 'MISSED'}" for text, met in found)
    return [*cells, "–" if apart is None else f"±{apart:.0%}", words or "–"]


def table(row, figure, runs):
    """Lines of one figure's table; none when no peer has the figure."""
    if all(median(runs, size, peer, figure) is None for size in runs for peer in row.peers):
        return []
    lines = [[row.of, *row.peers, "spread", "target"], *(line(row, figure, size, runs) for size in runs)]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(lines[0]))]
    align = lambda cells: [cell.rjust(width) for cell, width in zip(cells[:-1], widths)]
    return [f"  {row.figures[figure]}", *("    " + "  ".join([*align(cells), cells[-1]]) for cells in lines)]


def growth(row, figure, runs):
    """By how much the first peer's figure grows from size to size; nothing for a single size."""
    known = [(size, median(runs, size, row.first, figure)) for size in runs]
    known = [(size, value) for size, value in known if value]
    steps = [f"{number(a)}→{number(b)} ×{y / x:.2f}" for (a, x), (b, y) in zip(known, known[1:])]
    return f"{row.name}, {row.figures[figure]}: {', '.join(steps)}" if steps else ""
