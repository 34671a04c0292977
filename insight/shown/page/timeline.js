// The timeline drawn: only what is in view, one path per colour, however long the history.

const AXIS = 24, AREA = 54, STRIP = 26, TURNS = 15, TEXTS = 250;

/** Collects rectangles by class into one path each, leaving out what would cover no new pixel. */
class Ink {
  constructor(view) {
    this.view = view;
    this.paths = new Map();
    this.texts = [];
    this.ends = {};
    this.spans = 0;
  }
  row() { this.ends = {}; }
  add(name, data) {
    if (!this.paths.has(name)) this.paths.set(name, []);
    this.paths.get(name).push(data);
  }
  box(name, from, to, y, height) {
    const left = Math.max(from, this.view.left - 2), right = Math.min(Math.max(to, from + 1.5), this.view.right + 2);
    if (right <= left || right <= this.ends[name] + 0.05) return;
    const start = Math.max(left, this.ends[name] ?? left);
    this.ends[name] = right;
    this.add(name, `M${start.toFixed(1)},${y}h${(right - start).toFixed(1)}v${height}h${(start - right).toFixed(1)}z`);
  }
  sign(name, at, y, size, shape) {
    const key = name + shape;
    if (at < this.view.left - 1 || at > this.view.right + 1 || at - this.ends[key] < size / 3) return;
    this.ends[key] = at;
    const s = size, x = at.toFixed(1);
    const shapes = {
      diamond: `M${x},${y - s}l${s},${s}l${-s},${s}l${-s},${-s}z`,
      cross: `M${(at - s).toFixed(1)},${y - s}l${2 * s},${2 * s}m0,${-2 * s}l${-2 * s},${2 * s}`,
      arrow: `M${x},${y - s}l${s},${s}l${-s},${s}`,
    };
    this.add(name, shapes[shape]);
  }
  text(words, x, y, width, name) {
    if (this.texts.length >= TEXTS) return;
    const short = fit(words, width, "11px system-ui, sans-serif");
    if (short.length > 2 || short === words) this.texts.push(svg("text", { x, y, class: name }, short));
  }
  elements() {
    const paths = [...this.paths].map(([name, data]) => svg("path", { class: "ink " + name, d: data.join("") }));
    return [...paths, ...this.texts];
  }
}

/** How time and pixels map in a drawing of some width. */
function viewOf(run, scale, low, high, width) {
  const left = Math.min(210, Math.max(96, Math.round(width * 0.27))), right = width - 10;
  const each = (right - left) / (high - low);
  const x = (ms) => left + (scale.place(ms) - low) * each;
  const time = (pixel) => scale.time(low + (pixel - left) / each);
  return { run, scale, low, high, left, right, width, x, time, from: time(left), to: time(right) };
}

/** The index of the first span of a row that ends at or after a moment. */
function firstAt(row, moment) {
  let low = 0, high = row.spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row.spans[middle].to < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

function drawSpan(ink, view, span, row, y) {
  const tall = row.step - (row.step > 12 ? 6 : 2), top = y + (row.step - tall) / 2, middle = y + row.step / 2;
  const dim = span.dim ? " dim" : "";
  ink.spans += 1;
  if (span.mark) {
    if (span.to > span.from) ink.box("event" + dim, view.x(span.from), view.x(span.to), middle - 1.5, 3);
    ink.sign("mark" + dim, view.x(span.from), middle, Math.min(6, tall / 2), "diamond");
  }
  for (const part of span.mark ? [] : span.parts) {
    const low = view.x(part.from), high = view.x(part.to);
    const thin = part.wait === "timer" ? 3 : part.wait === "run" ? tall : tall * 0.55;
    const name = part.wait === "run" && span.kind === "child" ? "run child" : part.wait;
    ink.box(name + dim, low, high, middle - thin / 2, thin);
    const room = Math.min(high, view.right) - Math.max(low, view.left) - 8;
    if (part.wait === "run" && room > 26 && tall > 11 && !row.lane.named) {
      ink.text(span.title, Math.max(low, view.left) + 4, middle + 3.8, room, span.kind === "child" ? "inside child" : "inside");
    }
  }
  if (!span.mark && !span.parts.length) ink.box((WORK.has(span.kind) ? "run" : "timer") + dim, view.x(span.from), view.x(span.from), top, tall);
  if (span.join > 0) ink.box("join" + dim, view.x(span.to), view.x(span.to + span.join), middle - 1, 2);
  if (span.onPath) ink.box("critical", view.x(span.from), view.x(span.to), top + tall, row.step > 12 ? 2.5 : 1.5);
  if (BAD.has(span.state)) ink.sign("fail", Math.max(view.x(span.to), view.left), middle, Math.min(4.5, tall / 2), "cross");
  if (span.open && !span.mark) ink.sign("open", view.x(span.to) - 3, middle, Math.min(6, tall / 2), "arrow");
}

/** Draw the lanes between two heights; `offset` is what is above them in the drawing. */
function drawLanes(view, laid, top, bottom, focus) {
  const ink = new Ink(view), labels = [];
  for (const [index, lane] of laid.lanes.entries()) {
    if (lane.top + lane.height < top || lane.top > bottom) continue;
    const y = lane.top - top;
    if (index % 2) labels.push(svg("rect", { class: "band", x: 0, y, width: view.width, height: lane.height }));
    const high = Math.max(y, Math.min(0, y + lane.height - 26)) + Math.min(lane.height, 26) / 2 + 4;
    const label = svg("text", { class: "label", x: 10, y: high }, fit(text(lane.label), view.left - 34));
    const state = lane.line?.state;
    if (state) labels.push(svg("text", { class: "state " + state, x: view.left - 18, y: high }, GLYPH[state] || ""));
    labels.push(svg("g", {}, svg("title", {}, lane.label), label));
    for (const row of lane.rows) {
      if (row.y + row.step < top || row.y > bottom) continue;
      ink.row();
      for (let at = firstAt(row, view.from); at < row.spans.length && row.spans[at].from <= view.to; at += 1) {
        drawSpan(ink, view, row.spans[at], row, row.y - top);
      }
    }
  }
  ink.row();
  return { spans: ink.spans, elements: [...labels, ...cuts(view, bottom - top), ...ink.elements(), ...links(view, top, bottom), ...threads(view, top, focus)] };
}

const GLYPH = { succeeded: "✓", failed: "✗", running: "▸", waiting: "…", cancelled: "–", defaulted: "=" };

function cuts(view, height) {
  return view.scale.cuts.map(([a, b]) => {
    const low = Math.max(view.left, view.x(view.run.start + a)), high = Math.min(view.right, view.x(view.run.start + b));
    return high > low ? svg("rect", { class: "cut", x: low, y: 0, width: high - low, height }) : null;
  });
}

/** The critical path from step to step: a line down or up where it passes to another row. */
function links(view, top, bottom) {
  const data = [];
  let before = null, seen = -9;
  for (const part of view.run.path) {
    const row = part.span?.row;
    if (!row) continue;
    const at = view.x(part.from);
    if (before && before !== row && at >= view.left && at <= view.right && at - seen >= 0.5) {
      const low = before.y + before.step / 2 - top, high = row.y + row.step / 2 - top;
      if (Math.max(low, high) > 0 && Math.min(low, high) < bottom - top) {
        data.push(`M${at.toFixed(1)},${low.toFixed(1)}V${high.toFixed(1)}`);
        seen = at;
      }
    }
    before = row;
  }
  return data.length ? [svg("path", { class: "link", d: data.join("") })] : [];
}

/** What caused the span in focus and what it caused, as threads. */
function threads(view, top, focus) {
  if (!focus) return [];
  const y = (span) => span.row.y + span.row.step / 2 - top;
  const thread = (from, to, edge) => {
    const inner = from.to > to.from + 1; // a child run begins within its span
    const a = view.x(inner ? from.from : from.to), b = view.x(to.from), bend = Math.max(14, Math.abs(b - a) / 2);
    const d = `M${a.toFixed(1)},${y(from)}C${a + bend},${y(from)} ${b - bend},${y(to)} ${b.toFixed(1)},${y(to)}`;
    return svg("path", { class: `thread ${edge.certainty}`, d });
  };
  const known = view.run.byId;
  const before = focus.causes.filter((edge) => known.has(edge.cause)).slice(0, 60);
  const after = focus.effects.filter((edge) => known.has(edge.effect)).slice(0, 60);
  const step = focus.row.step, low = view.x(focus.from), high = Math.max(view.x(focus.to), low + 2);
  const inside = (x) => Math.min(Math.max(x, view.left - 4), view.right + 4);
  return [
    svg("clipPath", { id: "plot" }, svg("rect", { x: view.left - 6, y: -1e5, width: view.right - view.left + 12, height: 2e5 })),
    svg("g", { "clip-path": "url(#plot)" },
      before.map((edge) => thread(known.get(edge.cause), focus, edge)),
      after.map((edge) => thread(focus, known.get(edge.effect), edge))),
    svg("rect", {
      id: "cursor", role: "option", "aria-selected": "true", "aria-label": spoken(view.run, focus), class: "focus", rx: 3,
      x: inside(low) - 3, y: y(focus) - step / 2 + 0.5, width: Math.max(inside(high) - inside(low), 1) + 6, height: step - 1,
    }),
  ];
}

/** Axis, parallelism over time, the critical path as one strip, and the workflow's own turns. */
function drawHead(view, wide) {
  const { run } = view, parts = [];
  const height = headHeight(run);
  for (const tick of ticks(run, view.scale, view.x, view.from, view.to, 84)) {
    if (tick.x < view.left - 1 || tick.x > view.right + 1) continue;
    parts.push(svg("line", { class: "tick", x1: tick.x, x2: tick.x, y1: AXIS - 5, y2: height }));
    parts.push(svg("text", { class: "axis", x: Math.min(tick.x, view.right - 20), y: AXIS - 9, "text-anchor": "middle" }, tick.label));
  }
  parts.push(svg("text", { class: "axis", x: 10, y: AXIS - 9 }, fit("since the start", view.left - 14)));
  let y = AXIS;
  if (run.levels.length) {
    parts.push(area(view, y), svg("text", { class: "axis", x: 10, y: y + 24 }, fit("at once", view.left - 60)));
    parts.push(svg("text", { class: "axis", x: view.left - 8, y: y + 12, "text-anchor": "end" }, `${run.flow.peak}`));
    y += AREA;
  }
  if (run.path.length) {
    const ink = new Ink(view);
    for (const part of run.path) {
      const low = view.x(part.from), high = view.x(part.to);
      ink.box(part.wait, low, high, y + 5, STRIP - 9);
      const room = Math.min(high, view.right) - Math.max(low, view.left) - 8;
      if (room > 26) ink.text(part.span ? part.span.title : WORD[part.wait], Math.max(low, view.left) + 4, y + 17, room, "inside " + part.wait);
    }
    parts.push(svg("text", { class: "label strong", x: 10, y: y + 17 }, fit("critical path", view.left - 14, "600 12px system-ui, sans-serif")), ...ink.elements());
    y += STRIP;
  }
  if (run.turns.length) {
    const ink = new Ink(view);
    for (const turn of run.turns) {
      ink.box("task", view.x(turn.from), view.x(turn.to), y + 2, TURNS - 7);
      if (turn.error) ink.sign("fail", view.x(turn.to), y + 6, 4, "cross");
    }
    parts.push(svg("text", { class: "axis", x: 10, y: y + 9 }, fit("workflow tasks", view.left - 14)), ...ink.elements());
  }
  for (const [a, b] of view.scale.cuts) {
    const middle = (view.x(run.start + a) + view.x(run.start + b)) / 2;
    if (wide && middle > view.left && middle < view.right) {
      parts.push(svg("text", { class: "axis cutname", x: Math.min(middle, view.right - 24), y: AXIS + (run.levels.length ? AREA - 6 : 12), "text-anchor": "middle" }, `≈ ${length(b - a)}`));
    }
  }
  return [...cuts(view, height), ...parts];
}

const headHeight = (run) => AXIS + (run.levels.length ? AREA : 0) + (run.path.length ? STRIP : 0) + (run.turns.length ? TURNS : 0) + 2;

/** How many steps were open at once, as an area; the highest of a pixel counts. */
function area(view, top) {
  const { run } = view, base = top + AREA - 4, tall = AREA - 12, peak = run.flow.peak || 1;
  const high = new Map();
  let open = 0;
  const column = (ms) => Math.round(Math.min(Math.max(view.x(ms), view.left), view.right));
  const data = [`M${column(run.start)},${base}`];
  for (const [at, next] of run.levels) {
    const x = column(at);
    const known = high.get(x) ?? { peak: open, last: open };
    high.set(x, { peak: Math.max(known.peak, next), last: next });
    open = next;
  }
  const y = (value) => (base - (value / peak) * tall).toFixed(1);
  for (const [x, level] of high) data.push(`H${x}V${y(level.peak)}`, level.peak === level.last ? "" : `h1V${y(level.last)}`);
  data.push(`H${column(run.until)}V${base}Z`);
  return svg("path", { class: "area", d: data.join("") });
}
