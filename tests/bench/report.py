"""From the figures of all rounds to medians, ratios and a table."""

import os
import platform
import statistics
from pathlib import Path

FAULTS = ("lost", "duplicated", "out_of_order", "foreign", "closed", "refused")
COMPARE = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b}


def figure(run, path):
    for key in path.split("."):
        run = run[key]
    return run


def number(value):
    """Three or four significant digits, thousands separated."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    return {"cores": os.cpu_count(), "kernel": platform.release(), "cpu": cpu}


def summarise(rows, results):
    """The median of each server's figure, and of each goal's ratio. Ratios are taken within a round and only then
    is their median: host noise comes in modes that last for seconds."""
    summary = []
    for row in rows:
        runs = {name: [figure(run, row.figure) for run in of] for name, of in results[row.name].items()}
        summary.append({
            "name": row.name, "title": row.title, "unit": row.unit,
            "figures": {name: statistics.median(values) for name, values in runs.items()},
            "spread": {name: [min(values), max(values)] for name, values in runs.items()},
            "sidecar_us_per_event": sidecar_cost(results[row.name].get("herald", [])),
            "faults": {name: total for name, of in results[row.name].items() if (total := faults(of))},
            "ratios": [ratio(goal, runs) for goal in row.goals if goal.server in runs and goal.base in runs],
        })
    return summary


def sidecar_cost(runs):
    """CPU of Herald's sidecar per event, in microseconds: paid once, however many subscribers there are."""
    costs = [run["sidecar_cpu_us_per_event"] for run in runs if "sidecar_cpu_us_per_event" in run]
    return statistics.median(costs) if costs else None


def faults(runs):
    """What went wrong in these runs, by kind; empty when nothing did."""
    totals = {kind: sum(run.get(kind, 0) for run in runs) for kind in FAULTS}
    return {kind: total for kind, total in totals.items() if total}


def ratio(goal, runs):
    values = [a / b for a, b in zip(runs[goal.server], runs[goal.base]) if b]
    value = statistics.median(values) if values else None
    met = None if goal.limit is None or value is None else COMPARE[goal.sense](value, goal.limit)
    return {"ratio": f"{goal.server} / {goal.base}", "value": value,
            "target": None if goal.limit is None else f"{goal.sense} {goal.limit:g}", "met": met}


def herald_failed(results):
    return any(faults(of["herald"]) for of in results.values() if "herald" in of)


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
            lines.append(f"    {name:20} {number(value):>12} {row['unit']}{span}{sidecar}{wrong}")
        for entry in row["ratios"]:
            verdict = "" if entry["met"] is None else f"   target {entry['target']}: " + (
                "met" if entry["met"] else "MISSED")
            lines.append(f"    {entry['ratio']:20} {number(entry['value']):>12}{verdict}")
        lines.append("")
    return "\n".join(lines)
