"use strict";
// Words, numbers, elements, and one run read from the report's JSON. Times are milliseconds.

const WAITS = [
  ["run", "at work", "an activity, child or operation at work"],
  ["queue", "queue", "for a worker to take the task up"],
  ["limiter", "limit", "for a permit of a vendor's limit"],
  ["retry", "retry", "attempts that failed, and the pauses after them"],
  ["timer", "timer", "for a timer of the workflow's own"],
  ["person", "person", "for a person's word"],
  ["event", "message", "for a message from outside"],
  ["join", "join", "done already, until others were done too"],
  ["task", "workflow task", "for the workflow itself to take notice"],
];
const WORD = Object.fromEntries(WAITS.map(([key, word]) => [key, word]));
const MARKS = new Set(["signal", "update", "sent"]);
const WORK = new Set(["activity", "local_activity", "child", "nexus"]);
const BAD = new Set(["failed", "timed_out"]);
const START = 0, END = -1;

const text = (value) => String(value).replaceAll("_", " ");
const pad = (value, width = 2) => String(value).padStart(width, "0");
const number = (value) => value.toLocaleString("en-GB");
const counted = (value, noun, many = noun + "s") => `${number(value)} ${value === 1 ? noun : many}`;
const percent = (share) => (share > 0 && share < 0.005 ? "< 1" : share >= 0.995 && share < 1 ? "> 99" : Math.round(share * 100)) + " %";

/** Milliseconds since 1970 of an ISO moment, with its microseconds. */
function moment(iso) {
  const fraction = /\.\d+/.exec(iso);
  if (!fraction) return Date.parse(iso);
  return Date.parse(iso.replace(fraction[0], "")) + Number("0" + fraction[0]) * 1000;
}

/** Milliseconds of an ISO 8601 duration, a year being 365 days as Python writes it. */
function lasting(iso) {
  if (!iso) return 0;
  const found = /^(-)?P(?:(\d+)Y)?(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(iso);
  const [years, days, hours, minutes, seconds] = found.slice(2).map((part) => Number(part || 0));
  const whole = ((years * 365 + days) * 24 + hours) * 3600 + minutes * 60 + seconds;
  return (found[1] ? -1 : 1) * whole * 1000;
}

/** A length of time in at most two units, as the terminal writes it. */
function length(ms) {
  if (ms < 0.9995) return ms > 0 ? ms.toFixed(2) + " ms" : "0 ms";
  if (ms < 999.5) return ms.toFixed(0) + " ms";
  if (ms < 59950) return (ms / 1000).toFixed(1) + " s";
  const seconds = Math.round(ms / 1000), minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${pad(minutes % 60)}m` : `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`;
}

/** US dollars: four decimals, or two digits of less than the last, as the terminal writes them. */
function dollars(usd) {
  const value = Number(usd);
  if (value > 0 && value < 0.0001) return "$" + value.toFixed(1 - Math.floor(Math.log10(value))).replace(/0+$/, "");
  return "$" + value.toFixed(value < 100 ? 4 : 2);
}

/** A moment in UTC to the millisecond. */
const utc = (ms) => new Date(Math.floor(ms + 0.0005)).toISOString().replace("T", " ").replace("Z", "");

/** Make an element. Text is only ever set as text, so a foreign name stays inert. */
function make(namespace, name, attributes, children) {
  const made = namespace ? document.createElementNS(namespace, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}
const el = (name, attributes, ...children) => make(null, name, attributes, children);
const svg = (name, attributes, ...children) => make("http://www.w3.org/2000/svg", name, attributes, children);

const pencil = document.createElement("canvas").getContext("2d");
/** Shorten a text to a width in pixels. */
function fit(words, width, font = "12px system-ui, sans-serif") {
  if (width < 12) return "";
  pencil.font = font;
  if (pencil.measureText(words).width <= width) return words;
  let low = 0, high = Math.min(words.length, 200);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (pencil.measureText(words.slice(0, middle) + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? words.slice(0, low).trimEnd() + "…" : "";
}

/** Read one run: spans with times, parts by cause, causes and effects; the flow with times. */
function read({ report, more, edges }) {
  const start = moment(report.started), until = moment(report.until);
  const flow = report.flow || {};
  const run = { ...report, ...more, start, until, whole: Math.max(until - start, 0), flow };
  run.spans = (report.spans || []).map((span, index) => reading(span, more.parts[index], run));
  run.byId = new Map(run.spans.map((span) => [span.id, span]));
  for (const [cause, effect, possible, likely] of edges) {
    const edge = { cause, effect, certainty: possible ? "possible" : "certain", likely };
    run.byId.get(edge.effect)?.causes.push(edge);
    run.byId.get(edge.cause)?.effects.push(edge);
  }
  run.path = (flow.path || []).map((part) => ({
    span: run.byId.get(part.span), wait: part.wait, from: moment(part.start), to: moment(part.end),
  }));
  for (const step of flow.steps || []) {
    const span = run.byId.get(step.span);
    if (!span) continue;
    span.slack = step.slack === null || step.slack === undefined ? null : lasting(step.slack);
    span.join = lasting(step.join);
    span.critical = lasting(step.critical);
    span.share = step.share;
  }
  for (const part of run.path) if (part.span) part.span.onPath = true;
  run.levels = (flow.levels || []).map((level) => [moment(level.at), level.open]);
  run.turns = (report.tasks || []).map((task) => ({
    ...task, from: moment(task.scheduled), to: task.ended ? moment(task.ended) : until,
  }));
  return run;
}

function reading(span, parts, run) {
  const from = moment(span.scheduled);
  const to = span.ended ? moment(span.ended) : Math.max(run.until, from);
  let at = from;
  const laid = parts.map(([wait, time]) => ({ wait, from: at, to: (at += time) }));
  const state = span.state || "open";
  const found = {
    ...span, state, from, to: Math.max(from, to), parts: laid, open: !span.ended,
    branch: span.branch || "", mark: MARKS.has(span.kind), causes: [], effects: [],
    slack: null, join: 0, critical: 0, share: 0, onPath: false,
  };
  found.title = span.kind === "timer" && /^\d*$/.test(span.name) ? `timer ${span.name}` : text(span.name);
  const words = [span.name, found.branch, span.kind, state, span.vendor, span.model, span.queue];
  found.words = [...words, span.error, span.retried_for].filter(Boolean).map(text).join(" ").toLowerCase();
  return found;
}

/** What an edge's end is called. */
const called = (run, id) =>
  id === START ? "start of the run" : id === END ? "end of the run" : run.byId.get(id)?.title ?? `step ${id}`;
