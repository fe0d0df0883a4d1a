#!/usr/bin/env python3
"""The figures of a comparison from results.csv and devices.csv of its report. Run by scripts/plot."""
import argparse
import collections
import csv
import pathlib
import statistics

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = pathlib.Path(__file__).parent
COLOURS = ["#c4502f", "#b07d12", "#3e8448", "#7a56a8", "#13858c", "#c25a95", "#72722a", "#8a5340"]
MARKERS = ["^", "D", "v", "s", "P", "X"]
WORDS = {"iid": "Labels alike everywhere (iid)", "one-label-per-device": "One label per device"}
COSTS = {
    "time": ("simulated time, s", lambda row: row["simulated_seconds"]),
    "bytes": ("bytes up and down", lambda row: row["bytes_up"] + row["bytes_down"]),
    "device-flops": ("operations on devices", lambda row: row["device_flops"]),
}
TEXTS = {"method", "imbalance", "class", "seed"}


def read(path):
    with open(path, newline="") as file:
        return [
            {key: value if key in TEXTS else float(value or "nan") for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def first_seen(rows, key):
    return list(dict.fromkeys(row[key] for row in rows))


def style(methods, method):
    if method == "splitfrozen":
        return {"color": "#0b5fa5", "marker": "o", "linewidth": 2.0, "zorder": 3}
    if method == "central":
        return {"color": "#6a737d", "marker": "s"}
    place = methods.index(method)
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}


def spread(values):
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def runs(rows, **where):
    """Rows of each seed's run, in order."""
    found = collections.defaultdict(list)
    for row in rows:
        if row["compared"] == 1 and all(row[key] == value for key, value in where.items()):
            found[row["seed"]].append(row)
    return list(found.values())


def panels(count, height=2.1):
    figure, axes = plt.subplots(1, count, figsize=(1.9 * count + 0.4, height), sharey=True, squeeze=False)
    return figure, list(axes[0])


def legend(figure, methods):
    handles = [plt.Line2D([], [], label=method, **style(methods, method)) for method in methods]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(6, len(methods)))


def accuracy_over(points, cost):
    """Accuracy over a cost, a panel for each imbalance."""
    title, value = COSTS[cost]
    methods, imbalances = first_seen(points, "method"), first_seen(points, "imbalance")
    figure, axes = panels(len(imbalances))
    for axis, imbalance in zip(axes, imbalances):
        axis.axhline(100 * points[0]["majority_rate"], color="#59636e", linestyle=":", linewidth=0.8)
        for method in methods:
            seeds = runs(points, method=method, imbalance=imbalance)
            if not seeds:
                continue
            steps = list(zip(*seeds))
            costs = [statistics.fmean(value(row) for row in step) for step in steps]
            spreads = [spread([100 * row["accuracy"] for row in step]) for step in steps]
            look = style(methods, method)
            if not any(costs):
                axis.axhline(spreads[-1][0], color=look["color"], linestyle="--")
                continue
            drawn = [(cost, mean, width) for cost, (mean, width) in zip(costs, spreads) if cost > 0]
            x, mean, width = map(list, zip(*drawn))
            axis.plot(x, mean, **look)
            low, high = [m - w for m, w in zip(mean, width)], [m + w for m, w in zip(mean, width)]
            axis.fill_between(x, low, high, color=look["color"], alpha=0.13, linewidth=0)
        axis.set_xscale("log")
        axis.set_title(WORDS.get(imbalance, imbalance.capitalize()))
        axis.set_xlabel(title)
    axes[0].set_ylabel("accuracy, %")
    legend(figure, methods)
    return figure


def accuracy_at_end(points):
    """Accuracy after the last step, every seed a faint dot."""
    methods, imbalances = first_seen(points, "method"), first_seen(points, "imbalance")
    figure, axes = panels(len(imbalances), height=0.5 + 0.24 * len(methods))
    for axis, imbalance in zip(axes, imbalances):
        axis.axvline(100 * points[0]["majority_rate"], color="#59636e", linestyle=":", linewidth=0.8)
        for place, method in enumerate(methods):
            values = [100 * seed[-1]["accuracy"] for seed in runs(points, method=method, imbalance=imbalance)]
            if not values:
                continue
            mean, width = spread(values)
            look = style(methods, method)
            axis.plot(values, [place] * len(values), "o", color=look["color"], alpha=0.3, markeredgewidth=0)
            axis.errorbar(mean, place, xerr=width, color=look["color"], marker=look["marker"])
        axis.set_title(WORDS.get(imbalance, imbalance.capitalize()))
        axis.set_xlabel("accuracy, %")
        axis.grid(axis="x")
    axes[0].set_yticks(range(len(methods)), methods)
    axes[0].invert_yaxis()
    return figure


def device_memory(devices):
    """What a device needs to hold: the largest of a class."""
    methods, classes = first_seen(devices, "method"), first_seen(devices, "class")
    figure, axes = panels(len(classes), height=0.5 + 0.24 * len(methods))
    for axis, kind in zip(axes, classes):
        rows = [row for row in devices if row["class"] == kind and row["compared"] == 1]
        for place, method in enumerate(methods):
            sizes = [row["memory_bytes"] / 2**20 for row in rows if row["method"] == method]
            axis.barh(place, max(sizes, default=0), color=style(methods, method)["color"], height=0.7)
        axis.set_title(kind)
        axis.set_xlabel("memory, MiB")
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(methods)), methods)
    axes[0].invert_yaxis()
    return figure


def sweep(points):
    """Accuracy at the end over learning rate; None where nothing was swept."""
    methods = first_seen(points, "method")
    figure, (axis,) = panels(1)
    ends = collections.defaultdict(dict)
    for row in points:
        if row["swept"] == 1:
            ends[row["method"]][row["learning_rate"]] = 100 * row["accuracy"]
    for method, rates in ends.items():
        axis.plot(sorted(rates), [rates[rate] for rate in sorted(rates)], label=method, **style(methods, method))
    axis.set_xscale("log")
    axis.set_xlabel("learning rate")
    axis.set_ylabel("accuracy, %")
    axis.legend()
    return figure if ends else None


def main():
    parser = argparse.ArgumentParser(prog="scripts/plot", description=__doc__)
    parser.add_argument("report", type=pathlib.Path, help="the folder report of a comparison")
    parser.add_argument("--output", type=pathlib.Path, help="where figures go")
    parser.add_argument("--style", help="a matplotlib style sheet over the one that comes with this")
    parser.add_argument("--format", choices=["pdf", "svg", "png"], default="pdf")
    arguments = parser.parse_args()
    plt.style.use([HERE / "paper.mplstyle"] + ([arguments.style] if arguments.style else []))
    output = arguments.output or arguments.report / "figures"
    output.mkdir(parents=True, exist_ok=True)
    points, devices = read(arguments.report / "results.csv"), read(arguments.report / "devices.csv")
    if not any(row["compared"] == 1 for row in points):
        parser.exit(1, "no run of the tables has ended yet\n")
    figures = {f"accuracy-over-{cost}": accuracy_over(points, cost) for cost in COSTS}
    figures |= {"accuracy-at-end": accuracy_at_end(points), "sweep": sweep(points)}
    if devices:
        figures["device-memory"] = device_memory(devices)
    for name, figure in figures.items():
        if figure is not None:
            figure.savefig(output / f"{name}.{arguments.format}")
    print(output)


if __name__ == "__main__":
    main()
