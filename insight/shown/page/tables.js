// Words about steps: what a hover shows, and the tables.

/** One line for a screen reader. */
function spoken(run, span) {
  const where = span.branch ? `, branch ${span.branch}` : "";
  return `${span.title}, ${text(span.kind)}${where}, ${text(span.state)}, ${length(span.to - span.from)}, begun ${length(span.from - run.start)} after the start${span.onPath ? ", on the critical path" : ""}`;
}

function stretch(run, part) {
  return el("div", {}, el("h3", {}, part.span ? part.span.title : WORD[part.wait]),
    facts([["critical path", `${WORD[part.wait]}, ${length(part.to - part.from)}`], ["from", `${utc(part.from)} UTC`], ["to", `${utc(part.to)} UTC`]]));
}

function turning(run, turn) {
  return el("div", {}, el("h3", {}, "workflow task ", turn.error ? el("span", { class: "chip failed" }, "failed") : ""),
    facts([["scheduled", `${utc(turn.from)} UTC (+${length(turn.from - run.start)})`], ["started", turn.started ? `${utc(moment(turn.started))} UTC` : "not yet"],
      ["took", length(turn.to - turn.from)], ["error", turn.error]]));
}

const facts = (pairs) => el("dl", {}, pairs.filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

/** All that is known of a span; with `go`, its causes and effects can be followed. */
function details(run, span, go) {
  const started = span.started ? moment(span.started) : null;
  const ended = span.open ? "not yet" : `${utc(span.to)} UTC (+${length(span.to - run.start)})`;
  const tokens = span.input_tokens || span.output_tokens ? `${number(span.input_tokens || 0)} in, ${number(span.output_tokens || 0)} out` : "";
  const parts = span.parts.map((part) => `${WORD[part.wait]} ${length(part.to - part.from)}`).join(", ");
  return el("div", { class: "details" },
    el("h3", {}, span.title, " ", el("span", { class: "chip " + span.state }, text(span.state))),
    facts([
      ["kind", text(span.kind) + (span.onPath ? ", on the critical path" : "")],
      ["branch", span.branch],
      [span.mark ? "at" : "scheduled", `${utc(span.from)} UTC (+${length(span.from - run.start)})`],
      ["started", span.mark || started === null ? "" : `${utc(started)} UTC`],
      ["ended", span.mark && span.to === span.from ? "" : ended],
      ["time", span.mark && span.to === span.from ? "" : `${length(span.to - span.from)}${parts ? `: ${parts}` : ""}`],
      ["attempts", span.attempt > 1 ? `${span.attempt}${span.backoff ? `, ${length(lasting(span.backoff))} of pauses` : ""}` : ""],
      ["retried for", span.retried_for], ["error", span.error],
      ["limit", span.limited ? `waited ${length(lasting(span.limited))} for a permit` : ""],
      ["model", [span.vendor, span.model].filter(Boolean).join(" · ")],
      ["tokens", tokens],
      ["cost", span.usd !== undefined && span.usd !== null ? `${dollars(span.usd)}${span.reused ? ", paid before" : ""}` : ""],
      ["queue", span.queue], ["worker", span.worker], ["child run", span.child],
      ["slack", span.slack === null ? "" : length(span.slack)],
      ["waited for others", span.join > 0 ? length(span.join) : ""],
      ["caused by", ends(run, span, "cause", go)], ["caused", ends(run, span, "effect", go)],
    ]));
}

/** The other ends of edges; the less sure ones say so. */
function ends(run, span, end, go) {
  const edges = end === "cause" ? span.causes : span.effects;
  if (!edges.length) return "";
  const shown = edges.slice(0, go ? 40 : 6).map((edge, index) => {
    const other = run.byId.get(edge[end]), where = other?.branch && other.branch !== span.branch ? `${other.branch}: ` : "";
    const words = where + called(run, edge[end]), doubt = edge.certainty === "possible" ? (edge.likely ? " (likely)" : " (possibly)") : "";
    return [index ? ", " : "", go && other ? el("button", { type: "button", class: "step", onclick: () => go(other) }, words) : words, doubt];
  });
  return el("span", {}, shown, edges.length > shown.length ? ` and ${edges.length - shown.length} more` : "");
}

function table(heads, rows, name) {
  const cells = (row) => row.map((cell, index) => el(index ? "td" : "th", { scope: index ? undefined : "row", class: heads[index].startsWith("#") ? "right" : undefined }, cell));
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name }, el("table", {},
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col", class: head.startsWith("#") ? "right" : undefined }, head.replace("#", ""))))),
    el("tbody", {}, rows.map((row) => el("tr", row.about || {}, cells(row))))));
}

const section = (title, about, content, open = true) => el("details", { class: "card", open }, el("summary", {}, el("h2", {}, title)), about ? el("p", { class: "note" }, about) : null, content);
const swatch = (wait) => el("span", { class: "named" }, svg("svg", { class: "swatch", width: 10, height: 10 }, svg("rect", { class: "ink " + wait, width: 10, height: 10, rx: 2 })), ` ${WORD[wait]}`);
const bar = (share) => svg("svg", { class: "share", width: 60, height: 8 }, svg("rect", { class: "ink under", width: 60, height: 8, rx: 2 }), svg("rect", { class: "ink run", width: 60 * Math.min(1, share), height: 8, rx: 2 }));

/** Every table that has something to say. */
function tablesOf(run, go) {
  const step = (span) => el("button", { type: "button", class: "step", title: "Show in the timeline", onclick: () => go(span) }, span.title);
  const whole = run.whole || 1;
  return [turnsTable(run), waitsTable(run, whole), pathTable(run, step, whole), slackTable(run, step), retryTable(run, step), branchTable(run), everything(run, step)].filter(Boolean);
}

function waitsTable(run, whole) {
  const sums = run.flow.waits || {}, path = run.flow.on_path || {};
  const rows = WAITS.filter(([wait]) => sums[wait] || path[wait]).map(([wait, , about]) => [
    swatch(wait), length(lasting(path[wait])), [bar(lasting(path[wait]) / whole), " ", percent(lasting(path[wait]) / whole)], length(lasting(sums[wait])), about,
  ]);
  return rows.length ? section("Where the time went", "On the path: the run's own length. In all: summed over every step, so times side by side count as often as they occur.",
    table(["", "#on the path", "#share", "#in all", "what was waited for"], rows, "Waits by cause")) : null;
}

/** What a run by choices decided on its way; its times and money are whole thousandths and millionths. */
function turnsTable(run) {
  const { decided } = run;
  if (!decided) return null;
  const { wish, turns = [], lost = 0, slower = 1000, took } = decided, seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  const kept = { true: ", kept", false: ", missed" }[decided.in_time] ?? "";
  const head = wish ? [`${text(wish.objective)}${wish.deadline_ms ? ` within ${seconds(wish.deadline_ms)}` : ""}${kept}${took ? `; took ${seconds(took)}` : ""}; steps took ${(slower / 1000).toFixed(2)} times as long as learned.`] : [];
  if (lost) head.push(`${counted(lost, "turn")} more were not kept.`);
  const rows = turns.map((turn) => [turn.step, seconds(turn.at), turn.kind, turn.way, turn.before || "", turn.why]);
  return section("By choices", head.join(" "), rows.length ? table(["step", "#at", "turn", "to", "instead of", "why"], rows, "Turns") : null);
}

function pathTable(run, step, whole) {
  const most = 500;
  const rows = run.path.slice(0, most).map((part) => [
    part.span ? step(part.span) : "", part.span?.branch || "", swatch(part.wait), length(part.from - run.start), length(part.to - part.from), [bar((part.to - part.from) / whole), " ", percent((part.to - part.from) / whole)],
  ]);
  const cut = run.path.length > most ? ` The first ${most} of ${number(run.path.length)} stretches.` : "";
  return rows.length ? section("Critical path, step by step", `What would have had to be quicker for the run to end sooner.${cut}`,
    table(["step", "branch", "spent on", "#after", "#time", "#share"], rows, "Critical path")) : null;
}

function slackTable(run, step) {
  const idle = run.spans.filter((span) => span.slack > 0).sort((a, b) => a.slack - b.slack).slice(0, 25);
  const rows = idle.map((span) => [step(span), span.branch, length(span.to - span.from), length(span.slack), span.join > 0 ? length(span.join) : ""]);
  return rows.length ? section("Nearly critical", "Slack: how much later a step could have ended without the run ending later. The 25 with the least.",
    table(["step", "branch", "#took", "#slack", "#waited for others"], rows, "Steps with the least slack")) : null;
}

function retryTable(run, step) {
  const cost = (span) => span.parts.reduce((sum, part) => sum + (part.wait === "retry" ? part.to - part.from : 0), 0);
  const tried = run.spans.filter((span) => span.attempt > 1).sort((a, b) => cost(b) - cost(a)).slice(0, 50);
  const rows = tried.map((span) => [step(span), span.branch, span.attempt, length(cost(span)), span.onPath ? "yes" : "", span.retried_for || span.error || ""]);
  return rows.length ? section("What retries cost", "", table(["step", "branch", "#attempts", "#time lost", "on the path", "why"], rows, "Retries")) : null;
}

function branchTable(run) {
  const rows = (run.branches || []).slice(0, 1000).map((line) => [
    line.name || "(case)", text(line.state), length(lasting(line.machine)), length(lasting(line.waiting)), number(line.calls), number(line.attempts), Number(line.usd) ? dollars(line.usd) : "", line.input_tokens ? `${number(line.input_tokens)} / ${number(line.output_tokens || 0)}` : "",
  ]);
  return rows.length ? section("Branches", "", table(["branch", "state", "#machine", "#waiting", "#calls", "#attempts", "#cost", "#tokens in / out"], rows, "Branches")) : null;
}

/** Every step as a row: the picture's equal for those who read, made when there is time for it. */
function everything(run, step) {
  const most = 2500;
  const card = section(run.spans.length === 1 ? "The one step" : `All ${number(run.spans.length)} steps`, run.spans.length > most ? `The first ${number(most)}.` : "", null, false);
  const fill = () => {
    if (card.querySelector("table")) return;
    card.append(table(["step", "branch", "kind", "state", "scheduled (UTC)", "#took", "#attempts", "#slack"], run.spans.slice(0, most).map((span) => Object.assign([
      step(span), span.branch, text(span.kind), text(span.state), utc(span.from), length(span.to - span.from), span.attempt || "", span.slack === null ? "" : length(span.slack),
    ], { about: { "data-span": span.id } })), "All steps"));
  };
  (window.requestIdleCallback || setTimeout)(fill);
  card.addEventListener("toggle", fill);
  card.addEventListener("paper", fill);
  return run.spans.length ? card : null;
}
