// Axes: even numbers over a range, and where they lie.

/** The even numbers from `least` to `most`, about `wanted` of them. */
export function ticks(least, most, wanted) {
  if (!(most > least)) return [least];
  const rough = (most - least) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
  const first = Math.ceil(least / step - 1e-9);
  const last = Math.floor(most / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** The digits after the point that tell ticks apart. */
export function tickDigits(values) {
  if (values.length < 2) return 2;
  return Math.max(0, Math.ceil(-Math.log10(values[1] - values[0]) - 1e-9));
}

/** A linear map from [a, b] to [from, to]. */
export function linear(a, b, from, to) {
  const factor = b > a ? (to - from) / (b - a) : 0;
  return (value) => from + (value - a) * factor;
}

/** Calls back with an element's width in pixels, at first and whenever it changes. */
export function followWidth(node, changed) {
  let width = 0;
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width || now === 0) return;
    width = now;
    changed(now);
  }).observe(node);
}
