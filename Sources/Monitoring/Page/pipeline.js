// The pipeline: what each stage did in the newest traced step.

import { find, setText } from "./dom.js";
import { count, duration, percent, unknown, word } from "./format.js";
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
    setText(find("pipeline-time"), duration(extent ? extent.end - extent.start : undefined));
    setText(find("pipeline-stages"), extent ? different(stages.map(({ stage }) => stage)) : unknown);
    setText(find("pipeline-batches"), extent ? different(stages.flatMap(microBatches)) : unknown);
    this.#gantt.show(stages);
    this.#table.show(stages.map((stage) => ({
      ...stage, sums: sums(stage), busyShare: extent ? busy(stage) / (extent.end - extent.start) : undefined,
    })), "Nothing is told of stages. A run without a pipeline has none.");
  }
}

const microBatches = ({ operations = [] }) => operations.map((operation) => operation.micro_batch);

const different = (values) => count(new Set(values).size);
