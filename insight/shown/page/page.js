// The whole page: head, summary, timeline, graph, tables; hover and pin; light, dark and print.

function start() {
  const runs = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("page");
  const open = (index) => main.replaceChildren(...pageOf(read(runs[index]), runs, index, open).filter(Boolean));
  open(0);
  document.documentElement.dataset.ready = "yes";
}

function pageOf(run, runs, index, open) {
  const panel = el("aside", { class: "panel card", hidden: true, "aria-label": "Pinned step" });
  let chart = null;
  const tell = teller(panel, () => run, (span) => go(span));
  const go = (span) => {
    tell.pin(span);
    chart.show(span);
    chart.element.scrollIntoView({ block: "nearest" });
  };
  chart = chartOf(run, tell);
  const graph = graphOf(run, tell);
  const paper = el("div", { class: "paper" });
  const timeline = el("section", { class: "card", "aria-labelledby": "timeline" }, toolsOf(run, chart), chart.element, paper,
    el("p", { class: "note screen", id: "keys" }, "Drag over a range or Ctrl + wheel: zoom. Shift + drag or wheel: move. Click: pin. Keys: arrows walk, Enter pins, + − 0 zoom, Esc lets go."));
  const causes = section("What caused what", "", graph.element);
  requestAnimationFrame(graph.fitted);
  onprint = () => paper.replaceChildren(...chart.printed());
  return [header(run, runs, index, open), summary(run), tiles(run), panelled(timeline, panel), causes,
    el("div", { class: "tables" }, tablesOf(run, go)),
    el("footer", {}, "Made by Braid from the run's history alone. All times are UTC; a dashed cause is one of several that may have been it.")];
}

let onprint = () => {};
/** On paper everything is open; afterwards it is as it was. */
function forPaper() {
  const closed = [...document.querySelectorAll("details.card:not([open])")];
  for (const card of closed) {
    card.dispatchEvent(new Event("paper"));
    card.open = true;
  }
  onprint();
  addEventListener("afterprint", () => closed.forEach((card) => { card.open = false; }), { once: true });
}
addEventListener("beforeprint", forPaper);
matchMedia("print").addEventListener("change", (change) => change.matches && forPaper());

const panelled = (timeline, panel) => el("div", { class: "work" }, timeline, panel);

/** Tooltip, pinned panel, and the words for a screen reader. */
function teller(panel, run, go) {
  const tip = document.getElementById("tip"), told = document.getElementById("told");
  let pinned = null;
  return {
    pinned: () => pinned,
    tip(content, x, y) {
      tip.hidden = !content;
      if (!content) return;
      tip.replaceChildren(content);
      const box = tip.getBoundingClientRect();
      tip.style.left = Math.max(8, x + 18 + box.width < innerWidth ? x + 14 : x - box.width - 14) + "px";
      tip.style.top = Math.max(8, Math.min(y + 16, innerHeight - box.height - 8)) + "px";
    },
    pin(span) {
      pinned = span;
      panel.hidden = !span;
      this.tip(null);
      if (span) panel.replaceChildren(el("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => this.pin(null) }, "×"), details(run(), span, go));
    },
    say: (words) => { told.textContent = words; },
  };
}

function header(run, runs, index, open) {
  const choice = runs.length > 1 ? el("select", { "aria-label": "Run", onchange: (event) => open(Number(event.target.value)) },
    runs.map(({ report }, at) => el("option", { value: at, selected: at === index }, `${at + 1}. ${report.process} ${report.case}`))) : null;
  const theme = (event) => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches, root = document.documentElement;
    root.dataset.theme = (root.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
    event.currentTarget.setAttribute("aria-pressed", root.dataset.theme === "dark");
  };
  return el("header", {},
    el("div", {}, el("h1", {}, run.process || "A run", " ", el("span", { class: "chip " + run.status }, text(run.status))),
      el("p", { class: "note" }, run.case ? el("code", {}, run.case) : "", run.case ? " · " : "", `${utc(run.start)} to ${run.ended ? utc(run.until) : utc(run.until) + ", still open,"} UTC`)),
    el("div", { class: "tools screen" }, choice, el("button", { type: "button", onclick: theme }, "Light / dark"), el("button", { type: "button", onclick: () => print() }, "Print")));
}

const CLAUSE = { run: "work", queue: "queueing", limiter: "a limit", retry: "retries", timer: "timers", person: "a person's answer", event: "a message from outside", task: "workflow tasks" };

/** In a sentence or two: where the time went, and what would have been possible. */
function summary(run) {
  const path = Object.entries(run.flow.on_path || {}).map(([wait, time]) => [wait, lasting(time)]).filter(([, time]) => time > 0).sort((a, b) => b[1] - a[1]);
  if (!path.length || !run.whole) return null;
  const most = path.slice(0, 3).map(([wait, time], index) => `${percent(time / run.whole)} ${index ? "" : "went "}to ${CLAUSE[wait] ?? WORD[wait]}`);
  const least = lasting(run.flow.lower_bound), saved = run.whole - least;
  const bound = saved / run.whole > 0.005 ? `Without false waits (queue, limit, retry, workflow task) it would have taken ${length(least)}, ${percent(saved / run.whole)} less.` : "No wait could be taken away: the same steps could not have gone faster.";
  return el("p", { class: "summary" }, `${run.ended ? "The run took" : "The run has taken"} `, el("strong", {}, length(run.whole)), `; of its critical path ${most.join(", ")}. ${bound}`);
}

function tiles(run) {
  const { flow } = run, machine = lasting(run.machine), waiting = lasting(run.waiting), parallel = lasting(run.parallel);
  const tile = (name, value, below, more) => el("div", { class: "tile" }, el("dt", {}, name), el("dd", {}, value, more || "", el("small", {}, below || "")));
  const share = run.whole ? machine / run.whole : 0;
  const clocks = svg("svg", { class: "clocks", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "ink under", width: 100, height: 6 }), svg("rect", { class: "ink run", width: 100 * share, height: 6 }));
  const retries = run.spans.reduce((sum, span) => sum + Math.max(0, (span.attempt || 0) - 1), 0);
  const failed = run.spans.filter((span) => BAD.has(span.state)).length;
  return el("dl", { class: "tiles" },
    tile("Duration", length(run.whole), run.path.length ? `at best ${length(lasting(flow.lower_bound))}` : ""),
    tile("Machine / waiting", `${length(machine)} / ${length(waiting)}`, "", clocks),
    tile("Speed-up", `${run.speedup.toFixed(1)} ×`, `${length(lasting(run.sequential))} of work in ${length(parallel)}`),
    run.levels.length ? tile("At once", `${flow.peak}`, `${percent(flow.utilisation || 0)} of that used`) : null,
    tile("Steps", number(run.spans.length), [failed ? `${failed} failed` : "", retries ? counted(retries, "retry", "retries") : ""].filter(Boolean).join(", ")),
    Number(run.usd) || run.input_tokens ? tile("Cost", dollars(run.usd), `${number(run.input_tokens || 0)} tokens in, ${number(run.output_tokens || 0)} out`) : null,
    tile("Events", number(run.events), run.turns.length ? counted(run.turns.length, "workflow task") : ""));
}

function toolsOf(run, chart) {
  const search = el("input", { type: "search", placeholder: "Find a step, branch, model, error …", "aria-label": "Find steps", oninput: () => chart.choose(search.value) });
  const button = (sign, name, act) => el("button", { type: "button", "aria-label": name, title: name, onclick: act }, sign);
  const cut = run.cuts.length ? el("label", {}, el("input", { type: "checkbox", onchange: (event) => chart.cutting(!event.target.checked) }), " true scale") : null;
  const used = new Set([...run.spans.flatMap((span) => (span.mark ? [] : span.parts.map((part) => part.wait))), ...run.path.map((part) => part.wait), ...(run.spans.some((span) => span.join > 0) ? ["join"] : [])]);
  const waits = new Set();
  const toggle = (wait) => (event) => {
    if (!waits.delete(wait)) waits.add(wait);
    event.currentTarget.setAttribute("aria-pressed", waits.has(wait));
    chart.choose(search.value, waits);
  };
  const legend = WAITS.filter(([wait]) => used.has(wait)).map(([wait, , about]) => el("button", { type: "button", class: "wait", "aria-pressed": "false", title: about, onclick: toggle(wait) }, swatch(wait)));
  return el("div", {}, el("h2", { id: "timeline" }, "Timeline"),
    el("div", { class: "tools screen" }, search, button("−", "Zoom out", () => chart.zoom(1 / 0.6)), button("+", "Zoom in", () => chart.zoom(0.6)), button("Whole run", "Show the whole run", () => chart.look(0, 1)), cut, chart.count),
    el("div", { class: "legend" }, legend, signs(run)));
}

function signs(run) {
  const sign = (name, data, words) => el("span", { class: "key" }, svg("svg", { width: 14, height: 12 }, svg("path", { class: "ink " + name, d: data })), ` ${words} `);
  return [
    run.spans.some((span) => span.mark) ? sign("mark", "M7,1l5,5l-5,5l-5,-5z", "signal or update") : null,
    run.spans.some((span) => BAD.has(span.state)) ? sign("fail", "M3,2l8,8m0,-8l-8,8", "failed") : null,
    run.path.length ? sign("critical", "M0,8h14v3h-14z", "on the critical path") : null,
    run.cuts.length ? sign("cut", "M1,0h12v12h-12z", "long wait, cut short") : null,
  ];
}

start();
