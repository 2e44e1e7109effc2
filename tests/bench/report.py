"""From the figures of all rounds to medians, ratios and a table."""

import os
import platform
import re
import statistics
from pathlib import Path

FAULTS = ("lost", "duplicated", "out_of_order", "foreign", "closed", "refused",
          "missing_in_journal", "missing_in_index", "missing_in_jsonl", "missing_in_postgres")
COMPARE = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b}


def figure(run, path):
    for key in path.split("."):
        run = run[key]
    return run


def number(value):
    """Three or four significant digits, thousands separated."""
    if value is None:
        return "-"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.2f} M"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    return {"cores": os.cpu_count(), "kernel": re.match(r"[\d.]+\d|", platform.release())[0], "cpu": cpu}


def summarise(rows, results, quick):
    """The median of each server's figure, and of each goal's ratio. Ratios are taken within a round and only then
    is their median: host noise comes in modes that last for seconds."""
    summary = []
    for row in rows:
        runs = results[row.name]
        values = {name: [figure(run, row.figure) for run in of] for name, of in runs.items()}
        of_herald = runs.get("herald", [])
        summary.append({
            "name": row.name, "title": row.title, "unit": row.unit, "rounds": max(map(len, runs.values())),
            "figures": {name: statistics.median(each) for name, each in values.items()},
            "spread": {name: [min(each), max(each)] for name, each in values.items()},
            "also": {label: {name: statistics.median(figure(run, path) for run in of) for name, of in runs.items()}
                     for label, path in row.also},
            "series": series(row, runs),
            "sidecar_us_per_event": sidecar_cost(of_herald),
            "faults": {name: total for name, of in runs.items() if (total := faults(of))},
            "ratios": [ratio(goal, row, runs, row.judged_when_quick or not quick) for goal in row.goals
                       if goal.server in runs and (goal.base is None or goal.base in runs)],
            "notes": notes(row, of_herald),
        })
    return summary


def series(row, runs):
    """{line: {x: median}}, for a row that measures more than one point."""
    if not row.series:
        return {}
    x, y, path = row.series
    if isinstance(path, str):
        lines = [(name, path, of) for name, of in runs.items()]
    else:
        lines = [(line, its, runs.get("herald", [])) for line, its in path]
    return {"x": x, "y": y, "of": {line: {step: statistics.median(figure(run, its)[step] for run in of)
                                          for step in figure(of[0], its)} for line, its, of in lines if of}}


def sidecar_cost(runs):
    """CPU of Herald's sidecar per event, in microseconds: paid once, however many subscribers there are."""
    costs = [run["sidecar_cpu_us_per_event"] for run in runs if "sidecar_cpu_us_per_event" in run]
    return statistics.median(costs) if costs else None


def notes(row, runs):
    """Medians of the further figures."""
    return [{"label": label, "value": statistics.median(figure(run, path) for run in runs), "unit": unit}
            for label, path, unit in row.notes if runs]


def faults(runs):
    """What went wrong in these runs, by kind; empty when nothing did."""
    totals = {kind: sum(abs(run.get(kind, 0)) for run in runs) for kind in FAULTS}
    return {kind: total for kind, total in totals.items() if total}


def ratio(goal, row, runs, judged):
    path = goal.figure or row.figure
    own = [figure(run, path) for run in runs[goal.server]]
    values, name = own, goal.server
    if goal.base is not None:
        bases = [figure(run, path) for run in runs[goal.base]]
        pairs = list(zip(own, bases))
        values = [a - b for a, b in pairs] if goal.beyond else [a / b for a, b in pairs if b]
        name = f"{goal.server} {'-' if goal.beyond else '/'} {goal.base}"
    if goal.label:
        name += f", {goal.label}"
    value = statistics.median(values) if values else None
    judged = judged and says_something(goal, row, runs)
    if goal.limit is None or value is None or not judged:
        target = None if goal.limit is None else "not judged"
        return {"server": goal.server, "ratio": name, "value": value, "target": target, "met": None}

    met = COMPARE[goal.sense](value, goal.limit)
    target = f"{goal.sense} {goal.limit:,g}"
    if goal.enough is not None:
        met = met or COMPARE[goal.sense](statistics.median(own), goal.enough)
        target += f", or {goal.server} {goal.sense} {goal.enough:,g}"
    return {"server": goal.server, "ratio": name, "value": value, "target": target, "met": met}


def says_something(goal, row, runs):
    """Whether the runs of a goal's servers were such that they can be compared (Row.judged_if)."""
    if not row.judged_if:
        return True
    path, least = row.judged_if
    return all(statistics.median(figure(run, path) for run in runs[name]) >= least
               for name in (goal.server, goal.base) if name)


def herald_failed(results):
    return any(faults(of) for row in results.values() for name, of in row.items() if name.startswith("herald"))


def table(summary, rounds):
    host = machine()
    what = "one round" if rounds == 1 else f"medians of {rounds} rounds"
    lines = ["", f"{host['cores']} cores, {host['cpu']}, Linux {host['kernel']}; {what}", ""]
    for row in summary:
        lines.append(f"{row['title']}  ({row['name']})")
        for name, value in row["figures"].items():
            low, high = row["spread"][name]
            span = f"  ({number(low)} to {number(high)})" if rounds > 1 else ""
            wrong = "".join(f"  {kind}: {total:,}" for kind, total in row["faults"].get(name, {}).items())
            cost = row["sidecar_us_per_event"] if name == "herald" and "CPU" in row["unit"] else None
            sidecar = "" if cost is None else f"  + sidecar {number(cost)} us/event"
            also = "".join(f"  {label} {number(of[name])}" for label, of in row["also"].items())
            lines.append(f"    {name:20} {number(value):>12} {row['unit']}{span}{also}{sidecar}{wrong}")
        for note in row["notes"]:
            lines.append(f"      {note['label']:34} {number(note['value']):>12} {note['unit']}")
        for entry in row["ratios"]:
            verdict = {None: entry["target"] or "", True: f"target {entry['target']}: met",
                       False: f"target {entry['target']}: MISSED"}[entry["met"]]
            lines.append(f"    {entry['ratio']:34} {number(entry['value']):>12}   {verdict}".rstrip())
        lines.append("")
    return "\n".join(lines)
