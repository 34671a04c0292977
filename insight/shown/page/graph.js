// The graph of causes: steps in columns, branches below one another, the critical path bold.

const NODE = { width: 158, height: 38, across: 214, down: 50 };

function graphOf(run, tell) {
  const at = new Map(run.graph.places.map(([id, column, row]) => [id, { x: 16 + column * NODE.across, y: 16 + row * NODE.down }]));
  const critical = new Set(run.graph.critical.map(([cause, effect]) => `${cause} ${effect}`));
  const path = new Set(run.graph.critical.flat());
  const wide = Math.max(...[...at.values()].map((one) => one.x)) + NODE.width + 16;
  const tall = Math.max(...[...at.values()].map((one) => one.y)) + NODE.height + 16;
  const lines = [
    ...run.graph.edges.map(([cause, effect, certainty, likely]) => ({ cause, effect, name: `${certainty}${likely ? "" : " unlikely"}` })),
    ...run.graph.leaps.map(([cause, effect]) => ({ cause, effect, name: "leap" })),
  ].filter((line) => at.has(line.cause) && at.has(line.effect));
  const drawn = lines.map((line) => {
    const bold = critical.has(`${line.cause} ${line.effect}`) ? " bold" : "";
    return { ...line, element: svg("path", { class: `edge ${line.name}${bold}`, d: curve(at.get(line.cause), at.get(line.effect)) }) };
  });
  drawn.sort((a, b) => a.element.classList.contains("bold") - b.element.classList.contains("bold"));
  const picture = svg("svg", { class: "graph", viewBox: `0 0 ${wide} ${tall}`, role: "group", "aria-label": "Graph of causes" },
    drawn.map((line) => line.element));
  const shine = (id, on) => {
    picture.classList.toggle("lit", on);
    for (const line of drawn) line.element.classList.toggle("near", on && (line.cause === id || line.effect === id));
  };
  for (const [id, place] of at) picture.append(node(run, id, place, path.has(id), tell, shine));
  const frame = el("div", { class: "frame" }, picture);
  let size = 1;
  const scale = (next) => {
    size = Math.min(2, Math.max(0.08, next));
    picture.setAttribute("width", wide * size);
    picture.setAttribute("height", tall * size);
  };
  scale(1);
  const fitted = () => scale(Math.min(1, Math.max(0.72, (frame.clientWidth - 4) / wide)));
  const button = (sign, name, act) => el("button", { type: "button", "aria-label": name, title: name, onclick: act }, sign);
  const tools = el("div", { class: "tools" },
    button("−", "Smaller", () => scale(size / 1.3)), button("+", "Larger", () => scale(size * 1.3)),
    button("Fit", "Fit the width", () => scale((frame.clientWidth - 4) / wide)),
    el("span", { class: "note" }, key("certain", "cause"), key("possible", "possible cause"), key("certain bold", "critical path")));
  return { element: el("div", {}, tools, noteOf(run), frame), fitted };
}

const key = (name, words) => el("span", { class: "key" }, svg("svg", { width: 28, height: 10 }, svg("path", { class: `edge ${name}`, d: "M1,5H27" })), ` ${words} `);

function noteOf(run) {
  const { left_out, unseen } = run.graph;
  if (!left_out && !unseen) return null;
  const shown = number(run.spans.length - left_out);
  const first = left_out ? `Shown: the critical path and what touches it, ${shown} of ${number(run.spans.length)} steps. ` : "";
  return el("p", { class: "note" }, first, unseen ? `${number(unseen)} causes that are only possible are not drawn.` : "");
}

function curve(a, b) {
  const x1 = a.x + NODE.width, y1 = a.y + NODE.height / 2, x2 = b.x, y2 = b.y + NODE.height / 2;
  const bend = Math.max(24, Math.min(90, Math.abs(x2 - x1) / 2));
  const bow = y1 === y2 && x2 - x1 > NODE.across ? 32 : 0; // around what lies between in the row
  return `M${x1},${y1}C${x1 + bend},${y1 + bow} ${x2 - bend},${y2 + bow} ${x2},${y2}`;
}

function node(run, id, { x, y }, bold, tell, shine) {
  const span = run.byId.get(id);
  const name = span ? span.title : called(run, id);
  const cause = span ? span.parts.reduce((most, part) => (part.to - part.from > most.time ? { time: part.to - part.from, wait: part.wait } : most), { time: 0, wait: "event" }).wait : "";
  const below = span ? [span.branch, span.mark ? text(span.kind) : length(span.to - span.from)].filter(Boolean).join(" · ") : id === START ? "" : text(run.status);
  const names = ["node", bold ? "bold" : "", span && BAD.has(span.state) ? "bad" : "", span?.open ? "still" : ""];
  return svg("g", {
    class: names.filter(Boolean).join(" "), transform: `translate(${x},${y})`, tabindex: span ? 0 : undefined,
    role: span ? "button" : undefined, "aria-label": span ? spoken(run, span) : name,
    onpointerenter: () => shine(id, true),
    onpointerleave: () => { shine(id, false); tell.tip(null); },
    onpointermove: (event) => tell.tip(span && details(run, span), event.clientX, event.clientY),
    onfocus: () => shine(id, true),
    onblur: () => shine(id, false),
    onclick: () => span && tell.pin(span),
    onkeydown: (event) => { if (span && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); tell.pin(span); } },
  },
  svg("rect", { class: "box", width: NODE.width, height: NODE.height, rx: 7 }),
  span ? svg("rect", { class: "ink " + cause, width: 5, height: NODE.height - 12, x: 6, y: 6, rx: 2.5 }) : null,
  svg("text", { class: "name", x: 18, y: below ? 16 : 23 }, fit(name, NODE.width - 26, "600 12px system-ui, sans-serif")),
  svg("text", { class: "below", x: 18, y: 30 }, fit(below, NODE.width - 26, "11px system-ui, sans-serif")));
}
