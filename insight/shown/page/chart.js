// The timeline as one works with it: zoom, pan, search, hover, pin, keys, and a copy for print.

function chartOf(run, tell) {
  const laid = lanesOf(run);
  const state = { cut: true, scale: scaleOf(run, true), low: 0, high: 1, focus: null, waits: new Set() };
  const head = svg("svg", { class: "head", "aria-hidden": "true" });
  const body = svg("svg", { class: "body", role: "none" });
  const range = el("div", { class: "range", hidden: true });
  const roll = el("div", {
    class: "roll", tabindex: 0, role: "listbox", "aria-label": `Timeline of ${run.spans.length} steps`, "aria-describedby": "keys",
  }, el("div", { class: "tall" }, body));
  const count = el("output", { class: "count" });
  const element = el("div", { class: "chart" }, head, roll, range);
  let asked = false, size = { width: 800, height: 400 };

  const view = () => viewOf(run, state.scale, state.low, state.high, size.width);

  function draw() {
    asked = false;
    const now = view(), top = roll.scrollTop, tall = Math.min(size.height, laid.height);
    head.setAttribute("height", headHeight(run));
    head.replaceChildren(...drawHead(now, true).filter(Boolean));
    body.setAttribute("height", tall);
    const drawn = drawLanes(now, laid, top, top + tall, state.focus);
    body.replaceChildren(...drawn.elements.filter(Boolean));
    body.setAttribute("data-drawn", drawn.spans);
    if (state.focus) roll.setAttribute("aria-activedescendant", "cursor");
    else roll.removeAttribute("aria-activedescendant");
  }
  function ask() {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  }

  function look(low, high) {
    const least = Math.max(1e-12, (0.05 / (run.whole || 1)) * 0.5);
    const wide = Math.min(1, Math.max(high - low, least));
    state.low = Math.min(Math.max(0, low), 1 - wide);
    state.high = state.low + wide;
    ask();
  }
  function zoom(factor, around = (state.low + state.high) / 2) {
    look(around - (around - state.low) * factor, around + (state.high - around) * factor);
  }
  const pan = (share) => look(state.low + share * (state.high - state.low), state.high + share * (state.high - state.low));

  function choose(words, waits) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    state.waits = waits ?? state.waits;
    let found = 0;
    for (const span of run.spans) {
      const named = wanted.every((word) => span.words.includes(word) || (word === "critical" && span.onPath));
      span.dim = !(named && (!state.waits.size || span.parts.some((part) => state.waits.has(part.wait))));
      found += span.dim ? 0 : 1;
    }
    count.value = found === run.spans.length ? counted(found, "step") : `${number(found)} of ${number(run.spans.length)} steps`;
    ask();
  }

  /** Bring a span into view and set the focus on it. */
  function show(span) {
    state.focus = span;
    const low = state.scale.place(span.from), high = state.scale.place(span.to), wide = state.high - state.low;
    if (low < state.low || high > state.high) look(Math.min(low, (low + high - wide) / 2) - (high - low > wide ? (high - low) * 0.05 : 0), Math.max(high, (low + high + wide) / 2));
    if (span.row.y < roll.scrollTop || span.row.y + 24 > roll.scrollTop + roll.clientHeight) {
      roll.scrollTop = span.row.y - roll.clientHeight / 2;
    }
    ask();
  }

  /** The span at a place of the drawing, at most five pixels away in its row. */
  function spanAt(x, y) {
    const now = view(), depth = y + roll.scrollTop;
    if (x < now.left - 6) return null;
    for (const lane of laid.lanes) {
      if (depth < lane.top || depth >= lane.top + lane.height) continue;
      const row = lane.rows[Math.min(lane.rows.length - 1, Math.max(0, Math.floor((depth - lane.top - LANE_GAP / 2) / lane.step)))];
      let best = null, nearest = 5;
      for (let at = firstAt(row, now.time(x - 7)); at < row.spans.length; at += 1) {
        const span = row.spans[at], low = now.x(span.from), high = now.x(span.to);
        if (low > x + 7) break;
        const away = x < low ? low - x : x > high ? x - high : 0;
        if (away < nearest || (away === nearest && high - low < 3)) [best, nearest] = [span, away];
      }
      return best;
    }
    return null;
  }
  function partAt(x) {
    const moment = view().time(x);
    return run.path.find((part) => part.from <= moment && moment < part.to);
  }

  function turnAt(x) {
    const now = view(), from = now.time(x - 3), to = now.time(x + 3);
    const near = run.turns.filter((turn) => turn.from <= to && turn.to >= from);
    return near.find((turn) => turn.error) || near[0];
  }

  let drag = null;
  const place = (event) => event.clientX - element.getBoundingClientRect().left;
  const within = (x) => { const now = view(); return Math.min(Math.max(x, now.left), now.right); };
  function hover(event) {
    const x = place(event), y = event.clientY - roll.getBoundingClientRect().top;
    if (y >= 0) {
      const span = spanAt(x, y);
      if (span !== state.focus && !tell.pinned()) { state.focus = span; ask(); }
      return tell.tip(span && details(run, span), event.clientX, event.clientY);
    }
    const low = run.turns.length ? -TURNS : 0, inside = x > view().left;
    const turn = inside && y > low ? turnAt(x) : null, part = inside && y <= low && y > low - STRIP ? partAt(x) : null;
    return tell.tip((part && stretch(run, part)) || (turn && turning(run, turn)), event.clientX, event.clientY);
  }
  element.addEventListener("pointerdown", (event) => {
    const x = place(event);
    if (event.button === 0 && x >= view().left - 6 && event.pointerType !== "touch" && event.offsetX < event.target.clientWidth + 1e4) {
      drag = { x, low: state.low, high: state.high, pan: event.shiftKey, moved: false };
    }
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return element.contains(event.target) ? hover(event) : undefined;
    const x = place(event), now = view();
    drag.moved ||= Math.abs(x - drag.x) > 4;
    if (!drag.moved) return undefined;
    tell.tip(null);
    if (drag.pan) {
      const by = ((drag.x - x) / (now.right - now.left)) * (drag.high - drag.low);
      return look(drag.low + by, drag.high + by);
    }
    range.hidden = false;
    range.style.left = Math.min(within(drag.x), within(x)) + "px";
    range.style.width = Math.abs(within(drag.x) - within(x)) + "px";
    return event.preventDefault();
  });
  addEventListener("pointerup", (event) => {
    if (!drag) return;
    const done = drag, x = place(event), now = view(), share = (pixel) => now.low + ((within(pixel) - now.left) / (now.right - now.left)) * (now.high - now.low);
    drag = null;
    range.hidden = true;
    if (done.moved && !done.pan) look(Math.min(share(done.x), share(x)), Math.max(share(done.x), share(x)));
  });
  element.addEventListener("click", (event) => {
    const y = event.clientY - roll.getBoundingClientRect().top;
    const span = y >= 0 ? spanAt(place(event), y) : partAt(place(event))?.span;
    if (span) { state.focus = span; tell.pin(span); ask(); }
  });
  element.addEventListener("pointerleave", () => { tell.tip(null); if (!tell.pinned()) { state.focus = null; ask(); } });
  element.addEventListener("wheel", (event) => {
    const now = view(), x = within(place(event));
    const above = event.clientY < roll.getBoundingClientRect().top;
    if (event.ctrlKey || event.metaKey || (above && event.deltaY)) {
      zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY)) / 260), now.low + ((x - now.left) / (now.right - now.left)) * (now.high - now.low));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      pan((event.deltaX || event.deltaY) / 900);
    } else return;
    tell.tip(null);
    event.preventDefault();
  }, { passive: false });
  roll.addEventListener("scroll", ask, { passive: true });

  const order = [...run.spans].sort((a, b) => a.from - b.from || a.row.y - b.row.y);
  order.forEach((span, index) => { span.turn = index; });
  function beside(span, way) {
    const rows = laid.lanes.flatMap((lane) => lane.rows), next = rows[rows.indexOf(span.row) + way];
    if (!next) return span;
    const middle = (span.from + span.to) / 2, away = (one) => Math.max(one.from - middle, middle - one.to, 0);
    return next.spans.reduce((best, one) => (away(one) < away(best) ? one : best));
  }
  const keys = {
    ArrowRight: (span) => order[Math.min(order.length - 1, span.turn + 1)],
    ArrowLeft: (span) => order[Math.max(0, span.turn - 1)],
    ArrowDown: (span) => beside(span, 1),
    ArrowUp: (span) => beside(span, -1),
    Home: () => order[0],
    End: () => order.at(-1),
  };
  roll.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (keys[event.key] && order.length) {
      show(state.focus ? keys[event.key](state.focus) : order[0]);
      tell.say(spoken(run, state.focus));
      const at = view(), box = element.getBoundingClientRect(), below = roll.getBoundingClientRect().top + state.focus.row.y - roll.scrollTop + 24;
      tell.tip(details(run, state.focus), box.left + Math.max(at.left, at.x(state.focus.from)), below);
    } else if ((event.key === "Enter" || event.key === " ") && state.focus) tell.pin(state.focus);
    else if (event.key === "Escape") { state.focus = null; tell.tip(null); tell.pin(null); ask(); }
    else if (event.key === "+" || event.key === "=") zoom(0.7);
    else if (event.key === "-") zoom(1 / 0.7);
    else if (event.key === "0") look(0, 1);
    else return;
    event.preventDefault();
  });

  function cutting(on) {
    state.cut = on;
    state.scale = scaleOf(run, on);
    look(0, 1);
  }

  /** The whole run, drawn for paper in pieces that break between lanes. */
  function printed(width = 1040) {
    const whole = viewOf(run, state.scale, 0, 1, width), sheets = [];
    const sheet = (height, elements) => sheets.push(svg("svg", { class: "sheet", viewBox: `0 0 ${width} ${height}` }, elements.filter(Boolean)));
    sheet(headHeight(run), drawHead(whole, true));
    for (let first = 0; first < laid.lanes.length;) {
      let last = first;
      const top = laid.lanes[first].top;
      while (last + 1 < laid.lanes.length && laid.lanes[last + 1].top + laid.lanes[last + 1].height - top < 620) last += 1;
      const height = laid.lanes[last].top + laid.lanes[last].height - top;
      sheet(height, drawLanes(whole, laid, top + 1e-6, top + height - 1e-6, null).elements);
      first = last + 1;
    }
    return sheets;
  }

  element.querySelector(".tall").style.height = laid.height + "px";
  new ResizeObserver(() => {
    size = { width: element.clientWidth || 800, height: roll.clientHeight || 400 };
    ask();
  }).observe(element);
  choose("");
  return { element, count, choose, show, zoom, look, cutting, printed, ask, state };
}
