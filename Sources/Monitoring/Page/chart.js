// A measure over the run's steps: every point thin, their moving mean bold, and room for the steps to come.

import { element, reconcile, setAttributes, setText, shape } from "./dom.js";
import { count } from "./format.js";
import { followWidth, linear, tickDigits, ticks } from "./scale.js";

const height = 168;
const labelWidth = 40;
const margin = { top: 10, right: 12, bottom: 24, left: 44 };
/** So many points and more get a moving mean over a twentieth of them. */
const enoughForMean = 20;

export class LineChart {
  #settings;
  #width = 0;
  #points = [];
  #plannedSteps;
  #drawn = "";
  #places = [];
  #readout = element("span", { class: "readout" });
  #svg = shape("svg", { role: "img", height });
  #parts = {
    grid: shape("g", { class: "grid" }), base: shape("line", { class: "base" }),
    labels: shape("g", { class: "labels" }), points: shape("path", { class: "points" }),
    mean: shape("path", { class: "mean" }), last: shape("circle", { class: "last", r: 3 }),
    hair: shape("line", { class: "hair", visibility: "hidden" }),
  };

  /** @param settings measure, title, format, and the `least` and `most` that the measure can have */
  constructor(figure, settings) {
    this.#settings = settings;
    this.#svg.append(...Object.values(this.#parts));
    figure.append(element("figcaption", {}, element("strong", {}, settings.title), this.#readout), this.#svg);
    this.#svg.addEventListener("pointermove", (event) => this.#point(event));
    this.#svg.addEventListener("pointerleave", () => this.#rest());
    followWidth(figure, (width) => {
      this.#width = width;
      this.#draw();
    });
  }

  show(history, plannedSteps) {
    const { measure } = this.#settings;
    this.#points = history.filter((point) => Number.isFinite(point.step) && Number.isFinite(point[measure]))
      .map((point) => ({ step: point.step, value: point[measure] }));
    this.#plannedSteps = plannedSteps;
    this.#draw();
  }

  #draw() {
    const points = this.#points;
    const newest = points.at(-1);
    const drawn = [this.#width, points.length, points[0]?.step, newest?.step, newest?.value, this.#plannedSteps].join();
    if (this.#width === 0 || drawn === this.#drawn) return;
    this.#drawn = drawn;
    const [least, most] = this.#range();
    const lastStep = Math.max(this.#plannedSteps ?? 0, newest?.step ?? 0, 1);
    const x = linear(0, lastStep, margin.left, this.#width - margin.right);
    const y = linear(least, most, height - margin.bottom, margin.top);
    this.#places = points.map((point) => ({ ...point, x: x(point.step), y: y(point.value) }));
    setAttributes(this.#svg, { width: this.#width, "aria-label": this.#words() });
    // The last step has its label, and no other that would touch it.
    const steps = ticks(0, lastStep, this.#width / 90).filter((step) => x(lastStep) - x(step) > labelWidth);
    this.#drawAxes(x, y, [...steps, lastStep], ticks(least, most, 5));
    const mean = movingMean(points);
    setAttributes(this.#parts.points, { d: path(this.#places), class: mean.length > 0 ? "points" : "mean" });
    setAttributes(this.#parts.mean, { d: path(mean.map(({ step, value }) => ({ x: x(step), y: y(value) }))) });
    const end = mean.at(-1) ?? newest;
    setAttributes(this.#parts.last, end
      ? { cx: x(end.step).toFixed(1), cy: y(end.value).toFixed(1), visibility: "visible" } : { visibility: "hidden" });
    this.#rest();
  }

  /** A range that holds all points, with even ends, within what the measure can have. */
  #range() {
    const { least, most } = this.#settings;
    const values = this.#points.map((point) => point.value);
    if (values.length === 0) return [least ?? 0, most ?? 1];
    const low = Math.min(...values);
    const high = Math.max(...values);
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    return [Math.max(low - room, least ?? -Infinity), Math.min(high + room, most ?? Infinity)];
  }

  #drawAxes(x, y, steps, values) {
    const right = this.#width - margin.right;
    const digits = tickDigits(values);
    const lines = values.map((value) => (
      { name: `y${value}`, x1: margin.left, x2: right, y1: y(value), y2: y(value) }));
    reconcile(this.#parts.grid, lines, (line) => line.name, () => shape("line"), (node, { name, ...line }) =>
      setAttributes(node, line));
    const floor = height - margin.bottom;
    setAttributes(this.#parts.base, { x1: margin.left, x2: right, y1: floor, y2: floor });
    const bottom = floor + 16;
    const labels = [
      ...values.map((value) => (
        { name: `y${value}`, x: margin.left - 8, y: y(value) + 4, anchor: "end", text: value.toFixed(digits) })),
      ...steps.filter(Number.isInteger).map((step) => (
        { name: `x${step}`, x: x(step), y: bottom, anchor: anchor(step, steps), text: count(step) })),
    ];
    reconcile(this.#parts.labels, labels, (label) => label.name, () => shape("text"), (node, label) => {
      setAttributes(node, { x: label.x, y: label.y, "text-anchor": label.anchor });
      setText(node, label.text);
    });
  }

  #words() {
    const { title, format } = this.#settings;
    const first = this.#points[0];
    const newest = this.#points.at(-1);
    if (!newest) return `${title} by step: not known`;
    const [from, to] = [first, newest].map(({ step, value }) => `${format(value)} at step ${step}`);
    return `${title} by step: ${from}, ${to}`;
  }

  #rest() {
    const points = this.#points;
    const size = meanSize(points);
    setAttributes(this.#parts.hair, { visibility: "hidden" });
    setText(this.#readout, points.length === 0 ? "not known" : size === 0 ? "" : `bold: mean of ${size} points`);
  }

  #point(event) {
    if (this.#places.length === 0) return;
    const at = event.clientX - this.#svg.getBoundingClientRect().left;
    const nearest = this.#places.reduce((a, b) => (Math.abs(b.x - at) < Math.abs(a.x - at) ? b : a));
    setAttributes(this.#parts.hair, {
      x1: nearest.x, x2: nearest.x, y1: margin.top, y2: height - margin.bottom, visibility: "visible" });
    setText(this.#readout, `step ${count(nearest.step)}   ${this.#settings.format(nearest.value)}`);
  }
}

function anchor(step, steps) {
  if (step === 0) return "start";
  return step === steps.at(-1) ? "end" : "middle";
}

function path(places) {
  return places.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

const meanSize = (points) => (points.length < enoughForMean ? 0 : Math.ceil(points.length / 20));

/** Each point's mean with those before it; none before there are enough. */
function movingMean(points) {
  const size = meanSize(points);
  if (size === 0) return [];
  let sum = 0;
  const means = points.map((point, index) => {
    sum += point.value - (index >= size ? points[index - size].value : 0);
    return { step: point.step, value: sum / size };
  });
  return means.slice(size - 1);
}
