"""Charts as SVG: bars for the servers of a row, lines for what grows. Text, rectangles and lines alone, in colours
that can be read on white and on a dark page.
"""

import math
from xml.sax.saxutils import escape, quoteattr

import report

WIDTH = 720
BAR, GAP = 18, 8
LABELS = 150  # left of the bars
VALUES = 110  # right of the longest bar
TOP = 44

COLOURS = {"herald": "#1f77b4", "floor": "#7f7f7f", "bare": "#7f7f7f", "openssl": "#7f7f7f", "nchan": "#d62728",
           "node": "#2ca02c", "fastapi": "#9467bd", "worker": "#1f77b4", "sidecar": "#ff7f0e", "text": "#7f7f7f", "gzip": "#1f77b4"}
INK, GRID = "#222222", "#dddddd"


def colour(name):
    """That of a server, whatever its variant, or of another line."""
    return COLOURS[name.partition("+")[0].partition(" ")[0]]


def text(x, y, words, size=13, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{escape(words)}</text>")


def line(x1, y1, x2, y2, stroke, width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width}"/>'


def document(height, title, parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
            f'height="{height:.0f}" font-family="sans-serif" fill="{INK}" role="img" aria-label={quoteattr(title)}>')
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>',
                      text(12, 24, title, 15, weight="bold"), *parts, "</svg>\n"])


def bars(title, unit, figures, spread):
    """One bar for each server, from zero, with a whisker from the lowest to the highest round."""
    longest = max([high for _, high in spread.values()] + [value for value in figures.values()] + [0]) or 1
    scale = (WIDTH - LABELS - VALUES) / longest
    parts = []
    y = TOP
    for name, value in figures.items():
        width = max(value, 0) * scale
        middle = y + BAR / 2
        parts += [text(LABELS - 8, middle + 4, name, anchor="end"),
                  f'<rect x="{LABELS}" y="{y}" width="{max(width, 1):.1f}" height="{BAR}" fill="{colour(name)}"/>']
        low, high = (max(end, 0) * scale for end in spread[name])
        if high - low > 2:
            parts.append(line(LABELS + low, middle, LABELS + high, middle, INK, 1.5))
        parts.append(text(LABELS + max(width, high) + 6, middle + 4, report.number(value)))
        y += BAR + GAP
    return document(y + 22, title, [*parts, text(LABELS, y + 12, unit, 12)])


def decades(low, high):
    """The powers of ten around a range."""
    first = math.floor(math.log10(low) + 1e-9)
    last = max(math.ceil(math.log10(high) - 1e-9), first + 1)
    return [10.0 ** exponent for exponent in range(first, last + 1)]


def lines(title, x_label, y_label, series):
    """Lines over two logarithmic axes; `series` is {line: {x: y}}. What is not positive has no
    place there and is left out."""
    points = {name: [(float(x), y) for x, y in of.items() if float(x) > 0 and y > 0] for name, of in series.items()}
    every = [point for of in points.values() for point in of]
    if not every:
        return document(TOP + 30, title, [text(12, TOP + 10, "nothing to show")])
    xs = decades(min(x for x, _ in every), max(x for x, _ in every))
    ys = decades(min(y for _, y in every), max(y for _, y in every))
    left, right, top, bottom = 90, WIDTH - 110, TOP, 340

    place_x = lambda x: left + (right - left) * (math.log10(x / xs[0]) / math.log10(xs[-1] / xs[0]))
    place_y = lambda y: bottom - (bottom - top) * (math.log10(y / ys[0]) / math.log10(ys[-1] / ys[0]))

    parts = [text(left, bottom + 40, x_label, 12), text(left, top - 4, y_label, 12)]
    for x in xs:
        parts += [line(place_x(x), top, place_x(x), bottom, GRID), text(place_x(x), bottom + 18, tick(x), 12, "middle")]
    for y in ys:
        parts += [line(left, place_y(y), right, place_y(y), GRID), text(left - 8, place_y(y) + 4, tick(y), 12, "end")]
    labels = {}
    for name, of in points.items():
        if not of:
            continue
        path = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in of)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour(name)}" stroke-width="2"/>')
        parts += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3" fill="{colour(name)}"/>' for x, y in of]
        labels[name] = (place_x(of[-1][0]) + 8, place_y(of[-1][1]))
    return document(bottom + 56, title, parts + apart(labels))


def apart(labels):
    """The lines' names at their ends, pushed down where they would lie on each other."""
    parts = []
    last = -math.inf
    for name, (x, y) in sorted(labels.items(), key=lambda entry: entry[1][1]):
        last = max(y + 4, last + 15)
        parts.append(text(x, last, name))
    return parts


def tick(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
