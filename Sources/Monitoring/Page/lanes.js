// Operations of a stage as bars: in lanes where they overlap, and no more of them than can be seen.

/** The operations of a pipeline, in the order of a micro-batch's way. */
export const operations = [
  { name: "F0", text: "frozen blocks that a device left out" },
  { name: "F", text: "forward" },
  { name: "B", text: "backward" },
  { name: "W", text: "backward to the weights, where that is apart" },
];

const mostLanes = 8;

/** The first start and the last end of all stages' operations, null where there are none. */
export function span(stages) {
  let start = Infinity;
  let end = -Infinity;
  for (const stage of stages) {
    for (const operation of valid(stage)) {
      start = Math.min(start, operation.start_seconds);
      end = Math.max(end, operation.end_seconds);
    }
  }
  return end > start ? { start, end } : null;
}

/** The operations whose times make sense, by start. */
export function valid(stage) {
  return (stage.operations ?? [])
    .filter((operation) => Number.isFinite(operation.start_seconds) && operation.end_seconds >= operation.start_seconds)
    .sort((a, b) => a.start_seconds - b.start_seconds);
}

/**
 * Bars of a stage: each with its operation, its lane and its edges in pixels. Neighbours that would begin in
 * one pixel become one bar, so that there are never more bars than pixels.
 */
export function bars(stage, x) {
  const ends = [];
  const last = [];
  const bars = [];
  for (const operation of valid(stage)) {
    let lane = ends.findIndex((end) => end <= operation.start_seconds + 1e-9);
    if (lane < 0) lane = Math.min(ends.length, mostLanes - 1);
    ends[lane] = operation.end_seconds;
    const left = x(operation.start_seconds);
    const right = Math.max(x(operation.end_seconds), left + 1);
    const before = last[lane];
    const isSame = before?.operation.op === operation.op;
    const isTiny = before && (left - before.left < 1 || (isSame && right - before.left < 2));
    if (isTiny) before.right = Math.max(before.right, right);
    else bars.push(last[lane] = { operation, lane, left, right });
  }
  return { bars, lanes: Math.max(1, ends.length) };
}

/** Seconds that a stage spent in each kind of operation, by name. */
export function sums(stage) {
  const sums = {};
  for (const { op, start_seconds: start, end_seconds: end } of valid(stage)) sums[op] = (sums[op] ?? 0) + end - start;
  return sums;
}

/** Seconds in which a stage was doing anything. */
export function busy(stage) {
  let total = 0;
  let until = -Infinity;
  for (const { start_seconds: start, end_seconds: end } of valid(stage)) {
    total += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return total;
}
