"""From the figures of all rounds to medians, ratios and a table."""

import os
import platform
import statistics
from pathlib import Path

FAULTS = ("lost", "duplicated", "out_of_order", "foreign", "closed", "refused",
          "missing_in_journal", "missing_in_index", "missing_in_jsonl")
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


def summarise(rows, results, quick):
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
            "ratios": [ratio(goal, runs, row.judged_when_quick or not quick) for goal in row.goals
                       if goal.server in runs and (goal.base is None or goal.base in runs)],
            "notes": notes(row, results[row.name].get("herald", [])),
        })
    return summary


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


def ratio(goal, runs, judged):
    own = statistics.median(runs[goal.server])
    if goal.base is None:
        name, value = goal.server, own
    else:
        name = f"{goal.server} / {goal.base}"
        values = [a / b for a, b in zip(runs[goal.server], runs[goal.base]) if b]
        value = statistics.median(values) if values else None
    if goal.limit is None or value is None or not judged:
        return {"ratio": name, "value": value, "target": None, "met": None}

    met = COMPARE[goal.sense](value, goal.limit)
    target = f"{goal.sense} {goal.limit:,g}"
    if goal.enough is not None:
        met = met or COMPARE[goal.sense](own, goal.enough)
        target += f", or {goal.server} {goal.sense} {goal.enough:,g}"
    return {"ratio": name, "value": value, "target": target, "met": met}


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
        for note in row["notes"]:
            lines.append(f"      {note['label']:34} {number(note['value']):>12} {note['unit']}")
        for entry in row["ratios"]:
            verdict = "" if entry["met"] is None else f"   target {entry['target']}: " + (
                "met" if entry["met"] else "MISSED")
            lines.append(f"    {entry['ratio']:20} {number(entry['value']):>12}{verdict}")
        lines.append("")
    return "\n".join(lines)


FILL_BEGIN, FILL_END = "<!-- filled by run.py --fill -->", "<!-- end -->"


def fill(path, summary):
    """Replaces the table of durability in a Markdown file, which is between FILL_BEGIN and FILL_END."""
    text = path.read_text()
    before, _, rest = text.partition(FILL_BEGIN)
    _, _, after = rest.partition(FILL_END)
    if not after:
        raise SystemExit(f"run.py: {path} has no {FILL_BEGIN} ... {FILL_END}")
    path.write_text(f"{before}{FILL_BEGIN}\n{markdown(summary)}\n{FILL_END}{after}")


def markdown(summary):
    """The rows of durability, which are those with notes."""
    host = machine()
    lines = [f"{host['cores']} cores, {host['cpu']}, Linux {host['kernel']}.", "",
             "| | figure | target |", "| --- | --- | --- |"]
    for row in summary:
        if not row["notes"]:
            continue
        verdict = next((f"{entry['target']}: {'met' if entry['met'] else 'missed'}" for entry in row["ratios"]
                        if entry["target"]), "")
        lines.append(f"| **{row['title']}** ({row['name']}) | | |")
        for name, value in row["figures"].items():
            lines.append(f"| {name} | {number(value)} {row['unit']} | {verdict if name == 'herald' else ''} |")
        lines += [f"| {entry['ratio']} | {number(entry['value'])} | |" for entry in row["ratios"]
                  if "/" in entry["ratio"]]
        lines += [f"| {note['label']} | {number(note['value'])} {note['unit']} | |" for note in row["notes"]]
    return "\n".join(lines)
