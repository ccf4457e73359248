"""SVG plots of a figure: lines over the sizes on logarithmic axes, or bars when there is one size. Knows nothing of rows."""

from html import escape
from math import ceil, floor, log10

COLOURS = ["#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 80, 190, 40, 50


def text(x, y, words, anchor="start", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(words)}</text>'


def short(value):
    for power, unit in ((9, "G"), (6, "M"), (3, "k")):
        if value >= 10**power:
            return f"{value / 10**power:g}{unit}"
    return f"{value:g}"


def frame(title, body):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    return "\n".join([head, ground, text(LEFT, 22, title, more='font-size="14"'), *body, "</svg>", ""])


def lines(title, x_label, series):
    """series: {name: [(size, value), …]}, values above zero."""
    points = [point for values in series.values() for point in values]
    low_x, high_x = (log10(side(x for x, _ in points)) for side in (min, max))
    low_y, high_y = floor(log10(min(y for _, y in points))), ceil(log10(max(y for _, y in points)))
    high_y += high_y == low_y
    across = lambda x: LEFT + (log10(x) - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
    up = lambda y: HEIGHT - BOTTOM - (log10(y) - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM)
    body = []
    for power in range(low_y, high_y + 1):
        y = up(10.0**power)
        body.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        body.append(text(LEFT - 6, y + 4, short(10.0**power), "end"))
    for x in sorted({x for x, _ in points}):
        body.append(text(across(x), HEIGHT - BOTTOM + 18, short(x), "middle"))
    body.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_label, "middle"))
    for number, (name, values) in enumerate(series.items()):
        colour, thick = COLOURS[number % len(COLOURS)], 3 if number == 0 else 1.5
        path = "L".join(f"{across(x):.1f} {up(y):.1f}" for x, y in values)
        body.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
        body += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>' for x, y in values]
        body.append(text(WIDTH - RIGHT + 14, TOP + 16 * number + 10, name, more=f'fill="{colour}"'))
    return frame(title, body)


def bars(title, values):
    """values: {name: value}."""
    most = max(values.values()) or 1
    step = (HEIGHT - TOP - 20) / len(values)
    body = []
    for number, (name, value) in enumerate(values.items()):
        y, long = TOP + step * number, value / most * (WIDTH - LEFT - RIGHT - 60)
        body.append(text(LEFT + 60 - 6, y + step / 2 + 4, name, "end"))
        bar = f'width="{long:.1f}" height="{step * 0.7:.1f}" fill="{COLOURS[number % len(COLOURS)]}"'
        body.append(f'<rect x="{LEFT + 60}" y="{y + step * 0.15:.1f}" {bar}/>')
        body.append(text(LEFT + 66 + long, y + step / 2 + 4, f"{value:,.4g}"))
    return frame(title, body)


def plot(title, x_label, series):
    """The plot that fits: lines when there are several sizes and nothing is zero, else bars of the largest size. None without values."""
    series = {name: values for name, values in series.items() if values}
    sizes = {x for values in series.values() for x, _ in values}
    if not series:
        return None
    if len(sizes) > 1 and all(y > 0 for values in series.values() for _, y in values):
        return lines(title, x_label, series)
    largest = max(sizes)
    values = {name: dict(values)[largest] for name, values in series.items() if largest in dict(values)}
    return bars(f"{title} ({short(largest)} {x_label})", values)
