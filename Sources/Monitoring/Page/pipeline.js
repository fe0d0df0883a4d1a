// The pipeline: what each stage did in the newest traced step.

import { find, setText } from "./dom.js";
import { count, duration, percent, word } from "./format.js";
import { Gantt } from "./gantt.js";
import { busy, operations, span, sums } from "./lanes.js";
import { Table } from "./table.js";

export class Pipeline {
  #gantt = new Gantt();
  #table = new Table("stages", "Time of each stage by operation", [
    { title: "Stage", text: (stage) => word(stage.stage) },
    { title: "Worker", text: (stage) => word(stage.worker) },
    ...operations.map(({ name }) => ({ title: name, kind: "number", text: (stage) => duration(stage.sums[name]) })),
    { title: "Busy", kind: "number", text: (stage) => percent(stage.busyShare) },
  ], (stage) => `${stage.stage} ${stage.worker}`);

  show(state) {
    const pipeline = state.pipeline ?? {};
    const stages = pipeline.stages ?? [];
    const extent = span(stages);
    setText(find("bubble"), percent(pipeline.bubble_ratio));
    setText(find("pipeline-step"), pipeline.step === undefined ? "" : `Step ${count(pipeline.step)}`);
    this.#gantt.show(stages);
    this.#table.show(stages.map((stage) => ({
      ...stage, sums: sums(stage), busyShare: extent ? busy(stage) / (extent.end - extent.start) : undefined,
    })), "No step has been timed yet.");
  }
}
