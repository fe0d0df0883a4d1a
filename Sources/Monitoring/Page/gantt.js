// The operations of one step, a row for each stage, all on one time axis.

import { element, find, reconcile, setAttributes, setHidden, setText, shape } from "./dom.js";
import { duration, word } from "./format.js";
import { bars, operations, span, sums, valid } from "./lanes.js";
import { followWidth, linear, ticks } from "./scale.js";

const laneHeight = 28;
/** Where in its lane an operation's bar lies: heights tell kinds apart where a bar is too narrow for its letters. */
const extents = { F0: [12, 28], F: [0, 28], B: [0, 28], W: [0, 16] };
const letterWidth = { F0: 16, F: 13, B: 13, W: 15 };
const axisHeight = 22;

export class Gantt {
  #rows = element("div", { class: "gantt-rows" });
  #axis = shape("svg", { class: "axis", height: axisHeight, "aria-hidden": "true" });
  #readout = find("gantt-readout");
  #stages = [];
  #width = 0;
  #x = null;

  constructor() {
    const ruler = element("div", { class: "gantt-axis" }, this.#axis);
    find("gantt").append(this.#rows, ruler);
    find("gantt-legend").append(...operations.map(({ name, text }) => element(
      "li", {}, element("span", { class: `swatch op-${name}`, "aria-hidden": "true" }, name), ` ${text}`)));
    followWidth(ruler, (width) => {
      this.#width = width;
      this.#draw();
    });
  }

  show(stages) {
    this.#stages = stages;
    this.#draw();
  }

  #draw() {
    const extent = span(this.#stages);
    setHidden(find("gantt"), extent === null);
    setHidden(find("gantt-legend"), extent === null);
    if (extent === null || this.#width === 0) return;
    this.#x = linear(extent.start, extent.end, 0, this.#width - 1);
    reconcile(
      this.#rows, this.#stages, (stage) => `${stage.stage} ${stage.worker}`, (stage) => this.#row(stage),
      (row, stage) => this.#fill(row, stage));
    this.#drawAxis(extent);
  }

  #row(stage) {
    const svg = shape("svg", { role: "img" });
    const row = element(
      "div", { class: "gantt-row" },
      element("p", {}, element("strong", {}, `Stage ${word(stage.stage)}`), ` ${word(stage.worker)}`), svg);
    svg.addEventListener("pointermove", (event) => this.#point(event, row));
    svg.addEventListener("pointerleave", () => setText(this.#readout, ""));
    return row;
  }

  #fill(row, stage) {
    row.stage = stage;
    const svg = row.lastElementChild;
    const { bars: all, lanes } = bars(stage, this.#x);
    const times = Object.entries(sums(stage)).map(([name, seconds]) => `${name} ${duration(seconds)}`);
    setAttributes(svg, {
      width: this.#width, height: lanes * (laneHeight + 2) - 2,
      "aria-label": `Stage ${word(stage.stage)}: ${times.join(", ") || "no operation"}`,
    });
    reconcile(svg, all.map((bar, index) => ({ ...bar, index })), (bar) => bar.index, makeBar, fillBar);
  }

  #drawAxis(extent) {
    const length = extent.end - extent.start;
    const marks = ticks(0, length, Math.max(2, this.#width / 110)).map((seconds) => ({
      seconds, at: this.#x(extent.start + seconds) }));
    setAttributes(this.#axis, { width: this.#width });
    const label = (mark) => (mark.at > this.#width - 30 ? "end" : mark.seconds === 0 ? "start" : "middle");
    reconcile(this.#axis, marks, (mark) => mark.seconds, () => {
      const node = shape("g");
      node.append(shape("line", { y1: 0, y2: 5 }), shape("text", { y: 18 }));
      return node;
    }, (node, mark) => {
      setAttributes(node.firstChild, { x1: mark.at.toFixed(1), x2: mark.at.toFixed(1) });
      setAttributes(node.lastChild, { x: mark.at.toFixed(1), "text-anchor": label(mark) });
      setText(node.lastChild, mark.seconds === 0 ? "0" : duration(mark.seconds));
    });
  }

  #point(event, row) {
    const at = event.clientX - row.lastElementChild.getBoundingClientRect().left;
    const found = valid(row.stage).filter((operation) => (
      this.#x(operation.start_seconds) <= at && at <= this.#x(operation.end_seconds) + 1));
    setText(this.#readout, found.slice(0, 3).map((operation) => {
      const { op, micro_batch: batch, start_seconds: start, end_seconds: end } = operation;
      return `stage ${row.stage.stage}  ${op}  micro-batch ${word(batch)}  ${duration(end - start)}`;
    }).join("    "));
  }
}

function makeBar() {
  const node = shape("g");
  node.append(shape("rect"), shape("text"));
  return node;
}

function fillBar(node, { operation, lane, left, right }) {
  const [top, bottom] = extents[operation.op] ?? [0, laneHeight];
  const width = Math.max(1, right - left - 0.5);
  const y = lane * (laneHeight + 2);
  setAttributes(node, { class: `op op-${extents[operation.op] ? operation.op : "other"}` });
  setAttributes(node.firstChild, {
    x: left.toFixed(1), y: y + top, width: width.toFixed(1), height: bottom - top });
  const isRoomy = width >= (letterWidth[operation.op] ?? 20);
  setAttributes(node.lastChild, { x: (left + width / 2).toFixed(1), y: y + (top + bottom) / 2 + 4 });
  setText(node.lastChild, isRoomy ? word(operation.op) : "");
}
