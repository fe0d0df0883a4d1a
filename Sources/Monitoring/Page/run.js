// The run: how far it is and how it goes.

import { LineChart } from "./chart.js";
import { find, setAttributes, setNotice, setText } from "./dom.js";
import { age, clock, count, decimal, duration, exponent, percent, unknown, word } from "./format.js";

const endings = {
  completed: "The run is complete", interrupted: "The run was interrupted", failed: "The run failed",
};

export class Run {
  #charts = [
    new LineChart(find("chart-loss"), { measure: "loss", title: "Loss", format: (value) => decimal(value, 4) }),
    new LineChart(find("chart-accuracy"), {
      measure: "accuracy", title: "Accuracy", format: (value) => decimal(value, 3), least: 0, most: 1,
    }),
  ];

  show(state) {
    const run = state.run ?? {};
    const isOver = Object.hasOwn(endings, run.state);
    setText(find("run-name"), [run.recipe, run.id].filter(Boolean).join("\n"));
    setText(find("run-times"), times(run, state.time, isOver));
    setText(find("run-state"), word(run.state));
    setAttributes(find("run-mark"), { "data-state": run.state ?? null });
    const share = run.planned_steps > 0 ? (run.step ?? 0) / run.planned_steps : undefined;
    setText(find("run-step"), `${count(run.step)} / ${count(run.planned_steps)}`);
    setText(find("run-share"), [
      share === undefined ? "" : percent(share), run.epoch === undefined ? "" : `epoch ${run.epoch}`,
    ].filter(Boolean).join(", "));
    setText(find("run-loss"), decimal(run.loss, 4));
    setText(find("run-rate"), run.learning_rate === undefined ? "" : `learning rate ${exponent(run.learning_rate)}`);
    setText(find("run-accuracy"), decimal(run.accuracy, 3));
    setText(find("run-speed"), count(run.tokens_per_second));
    setText(find("run-eta"), isOver ? unknown : duration(run.eta_seconds));
    setText(find("run-end"), isOver || run.eta_seconds === undefined || state.time === undefined
      ? "" : `about ${clock(state.time + run.eta_seconds)}`);
    setAttributes(find("run-progress"), { value: Math.min(1, share ?? 0) });
    setNotice(find("run-reason"), isOver ? ending(run) : null, run.state === "failed");
    for (const chart of this.#charts) chart.show(state.history ?? [], run.planned_steps);
    if (document.title !== title(run)) document.title = title(run);
  }
}

function times(run, now, isOver) {
  if (run.begun === undefined) return "";
  const begun = `Begun ${clock(run.begun)}`;
  if (isOver && run.ended !== undefined) {
    return `${begun}\nended ${clock(run.ended)}\ntook ${duration(run.ended - run.begun)}`;
  }
  return `${begun}\n${age(run.begun, now)} ago`;
}

function ending(run) {
  const reason = run.reason ? `: ${run.reason.replace(/\.$/, "")}` : "";
  const code = run.exit_code === undefined ? "" : ` Exit code ${run.exit_code}.`;
  return `${endings[run.state]}${reason}.${code}`;
}

function title(run) {
  const place = Object.hasOwn(endings, run.state) || run.step === undefined
    ? word(run.state) : `${count(run.step)}/${count(run.planned_steps)}`;
  return `${place} ${run.recipe ?? ""} – Permafrost`;
}
