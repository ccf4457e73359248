"""Tables for a terminal: a line a size, a column a peer with its figure and ours ÷ its, and whether the target is met."""


def number(value):
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def times(ratio):
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}"


def limit_of(target, size):
    return target.limit.get(size) if isinstance(target.limit, dict) else target.limit


def verdict(target, row, size, medians):
    """(text, met) of a target at a size, or None when it asks nothing there or cannot be judged."""
    limit, ours = limit_of(target, size), target.of or next(iter(row.peers))
    value = medians[size][ours].get(target.figure)
    if limit is None:
        return None
    if value is None:
        return f"no figure of {ours}", False
    if not target.to:
        return f"at most {number(limit)}", value <= limit
    other = medians[size][target.to].get(target.figure)
    if other is None:
        return None
    if target.difference:
        return f"at most {target.to} + {number(limit)}: {value - other:+.2f}", value - other <= limit
    who = f"{ours} " if target.of else ""
    return f"{who}at most {limit:.2f} × {target.to}: {value / other:.2f}", value <= limit * other


def verdicts(row, figure, size, medians):
    found = (verdict(target, row, size, medians) for target in row.targets if target.figure == figure)
    return [each for each in found if each]


def table(row, figure, medians, spreads):
    """Lines of one figure's table. Beside each peer's figure stands the row's first peer's divided by it."""
    sizes, peers = list(medians), list(row.peers)
    if not any(figure in medians[size][peer] for size in sizes for peer in peers):
        return []
    lines = [[row.of, *peers, "spread", "target"]]
    for size in sizes:
        ours = medians[size][peers[0]].get(figure)
        cells = [number(size)]
        for peer in peers:
            value = medians[size][peer].get(figure)
            compared = peer != peers[0] and ours is not None and value
            cells.append(number(value) + (f" ×{times(ours / value)}" if compared else ""))
        spread = spreads[size].get(figure)
        cells.append("–" if spread is None else f"±{spread:.0%}")
        found = verdicts(row, figure, size, medians)
        cells.append("; ".join(f"{text} {'met' if met else 'MISSED'}" for text, met in found) or "–")
        lines.append(cells)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    out = [f"  {row.figures[figure]}"]
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line[:-1], widths)]
        out.append("    " + "  ".join(cells) + "  " + line[-1])
    return out


def growth(row, figure, medians):
    """By how much the library's figure grows from size to size; none for a single size."""
    ours = next(iter(row.peers))
    known = [(size, values[ours].get(figure)) for size, values in medians.items()]
    known = [(size, value) for size, value in known if value]
    steps = [f"{number(a)}→{number(b)} ×{y / x:.2f}" for (a, x), (b, y) in zip(known, known[1:])]
    return f"{row.name}, {row.figures[figure]}: {', '.join(steps)}" if steps else ""
