"""States of a run as /api/v1/state gives them, made up but shaped like those of real runs. One seed, one state."""

import math
import random

TIME = 1_790_000_000.0
CUTS = (6, 12, 18, 24)


def state(step=240, planned_steps=376, stages=3, workers=3, seed=7, devices=4, time=TIME):
    """The state of a run that trains."""
    chance = random.Random(seed)
    history = curve(chance, step)
    newest = history[-1] if history else {}
    classes = device_classes(devices, step / max(1, planned_steps))
    return {
        "version": "0.1.0",
        "time": time + step,
        "run": {
            "id": "movies-quick-20261121-091044", "recipe": "movies-quick", "state": "training", "step": step,
            "planned_steps": planned_steps, "epoch": 1 + 2 * step // planned_steps, "loss": newest.get("loss"),
            "accuracy": newest.get("accuracy"), "learning_rate": 1e-3, "tokens_per_second": 944.3,
            "eta_seconds": (planned_steps - step) * 0.44, "begun": time},
        "history": history,
        "pipeline": {"step": step, **pipeline(chance, stages)},
        "queue": {"messages": 248, "bytes": 18_400_000, "capacity_bytes": 268_435_456,
                  "oldest_age_seconds": 12.4, "credits_bytes": 64_000_000, "full": False},
        "devices": {"total": devices, "by_state": {"publishing": devices}, "classes": classes},
        "workers": [
            {"id": f"worker-{n + 1}", "state": "training" if n == 0 else "replica", "replica": 0, "stage": n,
             "share": 1 / workers, "seen": time + step - 0.4 * n, "can_drain": True} for n in range(workers)],
        "wire": {"received_bytes": 131_204_112, "sent_bytes": 17_204,
                 "by_codec": {"f32": 120_000_000, "int8": 11_204_112}},
        "events": events(time),
    }


def curve(chance, step, most=240):
    """A loss that falls and an accuracy that rises, thinned as the coordinator thins them."""
    every = max(1, math.ceil(step / most))
    return [
        {"step": n, "loss": round(0.34 + 0.75 * math.exp(-n / 60) + chance.uniform(-0.09, 0.09), 4),
         "accuracy": round(min(1, 0.86 - 0.33 * math.exp(-n / 50) + chance.uniform(-0.07, 0.07)), 4)}
        for n in range(1, step + 1) if (n - step) % every == 0]


def pipeline(chance, stages, micro_batches=8):
    """One step of a zero-bubble schedule: a stage goes back where it can, else forward, and fills its waits with W."""
    forward = [{batch: 0.0 for batch in range(micro_batches)}] + [{} for _ in range(stages)]
    backward = [{} for _ in range(stages)] + [{}]
    weights = [[] for _ in range(stages)]
    clocks, rows = [0.0] * stages, [[] for _ in range(stages)]
    ahead = [0] * stages

    def work(stage, kind, batch, start):
        seconds = {"F0": 0.006, "F": 0.021, "B": 0.022, "W": 0.017}[kind] * chance.uniform(0.95, 1.08)
        rows[stage].append({"op": kind, "micro_batch": batch, "start_seconds": round(start, 6),
                            "end_seconds": round(start + seconds, 6)})
        clocks[stage] = start + seconds

    def options(stage):
        """What the stage could do, as (start, preference, kind, batch)."""
        now = clocks[stage]
        for batch, ready in backward[stage + 1].items() if stage + 1 < stages else forward[stages].items():
            yield max(now, ready), 0, "B", batch
        if ahead[stage] < stages - stage + 1:
            for batch, ready in list(forward[stage].items())[:1]:
                yield max(now, ready), 1, "F", batch
        for batch in weights[stage][:1]:
            yield now, 2, "W", batch

    while choices := [(min(options(stage)), stage) for stage in range(stages) if any(True for _ in options(stage))]:
        (start, _, kind, batch), stage = min(choices)
        if kind == "F":
            del forward[stage][batch]
            if stage == 0:
                work(stage, "F0", batch, start)
                start = clocks[stage]
            work(stage, kind, batch, start)
            forward[stage + 1][batch] = clocks[stage]
            ahead[stage] += 1
        elif kind == "B":
            del (backward[stage + 1] if stage + 1 < stages else forward[stages])[batch]
            work(stage, kind, batch, start)
            backward[stage][batch] = clocks[stage]
            weights[stage].append(batch)
            ahead[stage] -= 1
        else:
            work(stage, kind, weights[stage].pop(0), start)
    length = max(clocks)
    busy = sum(operation["end_seconds"] - operation["start_seconds"] for row in rows for operation in row)
    return {"bubble_ratio": round(1 - busy / (length * stages), 4), "stages": [
        {"stage": n, "worker": f"worker-{n + 1}", "operations": row} for n, row in enumerate(rows)]}


def device_classes(devices, share):
    rows = []
    for index, cut in enumerate(CUTS):
        number = devices // 4 + (index < devices % 4)
        if number:
            rows.append({
                "cut": cut, "count": number, "lag_samples": int(750 * number * (1 - share)),
                "pending_bytes": 1_310_720 * number, "settled_bytes": int(46_000_000 * number * share),
                "redelivered": index, "slowest_seen_seconds": 0.6 + 1.7 * index})
    return rows


def device(number, time=TIME):
    """One row of /api/v1/devices."""
    states = ("publishing", "publishing", "publishing", "finished", "away")
    return {
        "id": f"device-{number + 1}", "state": states[number % 5], "cut": CUTS[number % 4],
        "lag_samples": 40 + number % 700, "pending_bytes": 65_536 * (number % 20), "settled_bytes": 1_000_000 + 1_003 * number,
        "redelivered": number % 3, "seen": time + 239 - number % 7}


def events(time):
    texts = [
        ("info", "coordinator", "coordinator", "the run begins: 376 steps, 4 devices, 3 workers"),
        ("info", "worker", "worker-1", "has the plan: stage 0, blocks 25 and 26"),
        ("info", "device", "device-4", "publishes at cut 6: the slowest of four, with 11 ms for each block"),
        ("warning", "device", "device-2", "was not seen for 10 s; its samples wait"),
        ("info", "device", "device-2", "is back and goes on after sample 312"),
        ("error", "worker", "worker-2", "the checkpoint of step 200 could not be written: no space left on device"),
        ("info", "worker", "worker-2", "the checkpoint of step 200 is written"),
    ]
    rows = [{"time": time + 236 - 24 * (len(texts) - n), "level": level, "role": role, "source": source, "text": text}
            for n, (level, role, source, text) in enumerate(texts)]
    return rows[::-1]
