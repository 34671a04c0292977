// Where spans lie: a lane per branch, rows in a lane where spans overlap, and the scale of time.

const LANE_GAP = 6, HEAD = 26;

/** Give lanes in the order in which they began, laid out from the top. */
function lanesOf(run) {
  const groups = new Map();
  for (const span of run.spans) {
    const own = span.branch || !WORK.has(span.kind) ? span.branch || "(case)" : span.name;
    if (!groups.has(own)) groups.set(own, { label: own, named: !span.branch && WORK.has(span.kind), spans: [] });
    groups.get(own).spans.push(span);
  }
  const known = new Map((run.branches || []).map((line) => [line.name, line]));
  const lanes = [...groups.values()];
  let top = 0;
  for (const lane of lanes) {
    lane.line = lane.named ? undefined : known.get(lane.label);
    lane.rows = packed(lane.spans);
    lane.step = lane.rows.length > 60 ? 5 : lane.rows.length > 16 ? 9 : 20;
    lane.top = top;
    lane.height = lane.rows.length * lane.step + LANE_GAP;
    lane.rows.forEach((row, index) => {
      row.y = top + LANE_GAP / 2 + index * lane.step;
      for (const span of row.spans) span.row = row;
      row.step = lane.step;
      row.lane = lane;
    });
    top += lane.height;
  }
  return { lanes, height: Math.max(top, 40) };
}

/** Put spans into as few rows as do without overlaps: each into the first row that is free. */
function packed(spans) {
  const rows = [];
  const least = spans.length > 1 ? 0.001 : 0;
  for (const span of [...spans].sort((a, b) => a.from - b.from || a.to - b.to)) {
    let row = rows.find((one) => one.end <= span.from);
    if (!row) rows.push((row = { spans: [], end: 0 }));
    row.spans.push(span);
    row.end = Math.max(span.to, span.from + least);
  }
  return rows;
}

/** Map time to 0..1: evenly, or with the longest waits cut short; and back. */
function scaleOf(run, cut) {
  const all = run.knots.length > 1 ? run.knots : [[0, 0], [1, 1]];
  const knots = cut ? all : [all[0], all.at(-1)];
  const between = (value, from, to) => {
    let place = 1;
    while (place < knots.length - 1 && knots[place][from] < value) place += 1;
    const [low, high] = [knots[place - 1], knots[place]];
    const share = (value - low[from]) / (high[from] - low[from] || 1);
    return low[to] + share * (high[to] - low[to]);
  };
  return {
    knots,
    place: (ms) => between(ms - run.start, 0, 1),
    time: (place) => between(place, 1, 0) + run.start,
    cuts: cut ? run.cuts : [],
  };
}

const STEPS = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500,
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].map((s) => s * 1000),
  ...[1, 2, 3, 6, 12, 24, 48, 168, 336, 720, 2160, 8760, 43800].map((h) => h * 3600000),
];

/** Round moments for an axis, about one in `every` pixels; `x` maps a moment to pixels. */
function ticks(run, scale, x, from, to, every) {
  const found = [];
  for (let index = 1; index < scale.knots.length; index += 1) {
    const low = scale.knots[index - 1][0], high = scale.knots[index][0];
    if (scale.cuts.some(([a, b]) => Math.abs(a - low) < 1e-6 && Math.abs(b - high) < 1e-6)) continue;
    const pixels = x(run.start + high) - x(run.start + low);
    const wanted = (every * (high - low)) / (pixels || 1);
    const step = STEPS.find((one) => one >= wanted) ?? STEPS.at(-1);
    const first = Math.ceil(Math.max(low, from - run.start) / step - 1e-9) * step;
    for (let at = first; at <= Math.min(high, to - run.start) + 1e-9 && found.length < 400; at += step) {
      found.push({ x: x(run.start + at), label: since(at, step) });
    }
  }
  return found.filter((tick, index) => !index || tick.x - found[index - 1].x > every / 2);
}

/** Time since the start, as exact as the axis needs. */
function since(ms, step) {
  if (ms === 0) return "0";
  const sign = ms < 0 ? "-" : "";
  ms = Math.abs(ms);
  if (ms < 1000 && step < 1000) return `${sign}${Number(ms.toFixed(2))} ms`;
  const digits = step >= 1000 ? 0 : Math.min(5, Math.ceil(-Math.log10(step / 1000) - 1e-9));
  const days = Math.floor(ms / 86400000), hours = Math.floor(ms / 3600000) % 24;
  const minutes = Math.floor(ms / 60000) % 60, seconds = (ms / 1000) % 60;
  if (ms < 60000) return `${sign}${seconds.toFixed(digits)} s`;
  const tail = seconds.toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  if (days) return sign + (step >= 86400000 ? `${days} d` : `${days} d ${pad(hours)}:${pad(minutes)}`);
  return sign + (hours ? `${hours}:${pad(minutes)}:${tail}` : `${minutes}:${tail}`);
}
