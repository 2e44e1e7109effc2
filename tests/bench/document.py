"""Figures into the docs: what was measured is merged into FIGURES beside the charts, and from there every table and
chart is written anew. A run of some rows replaces these rows alone.

In a Markdown file stand, each on a line of its own,

    <!-- row NAME --> ... <!-- end -->      the row's table, chart, command and machine
    <!-- overview --> ... <!-- end -->      all goals

and what is between them is replaced.
"""

import json
import re
from datetime import datetime, timezone

import charts
import report
import scale
from report import number

FIGURES = "charts/figures.json"  # beside the Markdown file
BLOCK = re.compile(r"<!-- (row [\w-]+|overview|scale) -->\n.*?<!-- end -->", re.DOTALL)
NOT_MEASURED = "*Not measured yet.*"


def fill(path, summary, quick):
    """Merges what was measured, and writes `path`, its charts and scale.md beside it."""
    store = path.parent / FIGURES
    store.parent.mkdir(exist_ok=True)
    known = stored(path)
    for row in summary:
        known[row["name"]] = {**row, "quick": quick, "machine": report.machine(),
                              "date": datetime.now(timezone.utc).date().isoformat()}
    store.write_text(json.dumps(known, indent=1) + "\n")
    render(path, known)


def stored(path):
    """What was measured so far, by row."""
    store = path.parent / FIGURES
    return json.loads(store.read_text()) if store.exists() else {}


def render(path, known):
    for name, row in known.items():
        if chart := chart_of(row):
            (path.parent / "charts" / f"{name}.svg").write_text(chart)
    for file in (path, path.parent / "scale.md"):
        if file.exists():
            file.write_text(filled(file.read_text(), known))


def filled(text, known):
    """The text with all its blocks written anew."""
    places = re.findall(r"<!-- row ([\w-]+) -->", text)
    missing = set(known) - set(places)
    if missing and "<!-- overview -->" in text:
        raise SystemExit(f"run.py: no place for {', '.join(sorted(missing))}; put `<!-- row NAME -->` and `<!-- end -->` "
                         "there")

    def block(match):
        kind, _, name = match[1].partition(" ")
        if kind == "overview":
            content = overview([known[place] for place in places if place in known])
        elif kind == "scale":
            content = scale.markdown(known)
        else:
            content = markdown(known[name]) if name in known else NOT_MEASURED
        return f"<!-- {match[1]} -->\n{content}\n<!-- end -->"

    return BLOCK.sub(block, text)


def chart_of(row):
    """SVG, or None where there is nothing to compare."""
    if row["series"]:
        return charts.lines(row["title"], row["series"]["x"], row["series"]["y"], row["series"]["of"])
    if len(row["figures"]) > 1:
        return charts.bars(row["title"], row["unit"], row["figures"], row["spread"])
    return None


def verdict(entry):
    if entry["met"] is None:
        return entry["target"] or ""
    return f"{entry['target']}: {'met' if entry['met'] else '**missed**'}"


def how(row):
    host = row["machine"]
    rounds = "one round" if row["rounds"] == 1 else f"medians of {row['rounds']} rounds"
    options = " --quick" if row["quick"] else ""
    if row["rounds"] > 1 and (row["rounds"] != 3 or row["quick"]):
        options += f" --rounds {row['rounds']}"
    return (f"`make bench BENCH=\"--only {row['name']}{options}\"`; {rounds}, {row['date']}; "
            f"{host['cores']} cores, {host['cpu']}, Linux {host['kernel']}")


def markdown(row):
    also = list(row["also"])
    lines = [f"**{row['title']}**", "",
             "| | " + " | ".join([row["unit"], *(["lowest to highest"] if row["rounds"] > 1 else []), *also]) + " |"]
    lines.append("| --- " * (lines[-1].count("|") - 1) + "|")
    for name, value in row["figures"].items():
        low, high = row["spread"][name]
        cells = [name, number(value)]
        if row["rounds"] > 1:
            cells.append(f"{number(low)} to {number(high)}")
        cells += [number(row["also"][label][name]) for label in also]
        lines.append("| " + " | ".join(cells) + " |")
    if row["series"]:
        lines += ["", *series_table(row)]
    if row["notes"]:
        lines += ["", "| | |", "| --- | --- |"]
        lines += [f"| {note['label']} | {number(note['value'])} {note['unit']} |" for note in row["notes"]]
    if row["ratios"]:
        lines += ["", "| | | target |", "| --- | --- | --- |"]
        lines += [f"| {entry['ratio']} | {number(entry['value'])} | {verdict(entry)} |" for entry in row["ratios"]]
    cost = row["sidecar_us_per_event"]
    if cost is not None and "CPU" in row["unit"] and "delivery" in row["unit"]:
        lines += ["", f"Beside it the sidecar's CPU, once for an event: {number(cost)} us."]
    for name, of in row["faults"].items():
        lines += ["", f"{name}: " + ", ".join(f"{total:,} {kind.replace('_', ' ')}" for kind, total in of.items())]
    if chart_of(row):
        lines += ["", f"![{row['title']}](charts/{row['name']}.svg)"]
    return "\n".join([*lines, "", f"<sub>{how(row)}</sub>"])


def series_table(row):
    of = row["series"]["of"]
    steps = list(next(iter(of.values())))
    lines = [f"| {row['series']['y']}, by {row['series']['x']} | " + " | ".join(f"{int(x):,}" for x in steps) + " |",
             "| --- " * (len(steps) + 1) + "|"]
    return lines + [f"| {name} | " + " | ".join(number(values[x]) for x in steps) + " |" for name, values in of.items()]


def overview(rows):
    lines = ["| | Herald | | value | target |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        for entry in row["ratios"]:
            if entry["target"] is None:
                continue
            own = row["figures"][entry["server"]]
            lines.append(f"| {row['title']} | {number(own)} {row['unit']} | {entry['ratio']} | {number(entry['value'])} | "
                         f"{verdict(entry)} |")
    return "\n".join(lines)
