// What is said aloud: changes of state alone, never each tick of a figure.

import { find, setText } from "./dom.js";

/** More changes than this at once are only counted. */
const mostWorkers = 3;

export class Announcements {
  #run = null;
  #workers = null;
  #isCutOff = false;
  #newestError = null;

  show(state) {
    const sentences = [...this.#runSentences(state.run), ...this.#workerSentences(state.workers ?? []),
      ...this.#errorSentences(state.events ?? [])];
    if (sentences.length > 0) setText(find("announcements"), sentences.join(" "));
  }

  /** Tells when the link is lost and when it is back. */
  follow(kind) {
    const isCutOff = kind === "stale";
    if (isCutOff === this.#isCutOff) return;
    this.#isCutOff = isCutOff;
    setText(find("announcements"), isCutOff
      ? "The coordinator does not answer. What is shown is stale." : "The coordinator answers again.");
  }

  #runSentences(run) {
    const before = this.#run;
    this.#run = { id: run?.id, state: run?.state };
    if (before === null || before.state === run?.state || !run?.state) return [];
    return [`The run is ${run.state}.`];
  }

  #workerSentences(workers) {
    const before = this.#workers;
    this.#workers = new Map(workers.map((worker) => [worker.id, worker.state]));
    if (before === null) return [];
    const changed = workers.filter((worker) => before.get(worker.id) !== worker.state);
    if (changed.length > mostWorkers) return [`${changed.length} workers changed their state.`];
    return changed.map((worker) => `${worker.id} is ${worker.state}.`);
  }

  #errorSentences(events) {
    const newest = events.find((event) => event.level === "error");
    const before = this.#newestError;
    this.#newestError = newest?.time ?? 0;
    return before === null || !newest || newest.time <= before ? [] : [`Error: ${newest.text}`];
  }
}
