/* Controls, figures and files of the explorer. The numbers are those of make_model(content). */
"use strict";

(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const model = make_model(content);
  const THEORIES = model.names.length > 1 ? [...model.names, "stacked"] : model.names;
  const PERCENT = `${Math.round(content.prob * 100)}\u00a0%`;
  const THREAT = {
    power_ratio: "Capabilities, adversary over patron",
    forces_ratio: "Forces, adversary over patron",
    distance_km: "Distance to the nearest client, km",
    polyarchy_gap: "Gap in democracy, patron less adversary",
    disputes: "Disputes with force begun in five years",
  };
  const CLIENT = {
    capability_ratio: "Capabilities, adversary over client",
    distance_km: "Distance from the adversary, km",
    land_access: "Adversary's way by land",
    occupied: "Occupied in ten years, it or a neighbour",
    disputes: "Territorial disputes in ten years",
  };
  const LAND = { sea: "none: by sea", landmass: "same landmass", contiguous: "common border" };
  const PROMISES = ["none", "consult", "defend"];
  const SLIDERS = {
    ratio: [(v) => Math.log10(v), (t) => 10 ** t, -2, 2],
    distance: [(v) => Math.log10(v + 50), (t) => 10 ** t - 50, Math.log10(50), Math.log10(20090)],
    gap: [(v) => v, (t) => t, -1, 1],
    count: [(v) => v, (t) => Math.round(t), 0, 20],
    share: [(v) => v, (t) => t, 0, 1],
  };
  const SCALE = { power_ratio: "ratio", forces_ratio: "ratio", distance_km: "distance",
    polyarchy_gap: "gap", disputes: "count" };
  const NULL_LABEL = { null: "null (no theory)" };

  // ---- settings and the address ------------------------------------------------------------------

  const copy = (value) => JSON.parse(JSON.stringify(value));
  const grouping_of = (name) => content.groupings.find((g) => g.name === name);
  let grouping = content.groupings[0], settings = copy(grouping.settings), answer = null;

  const place_of = (wanted) => content.places[`${wanted.patron} ${wanted.theatre}`];

  function latest(state, adversary) {
    const row = (content.latest[adversary] ?? {})[state];
    if (!row) return null;
    const [capability_ratio, distance_km, land_access, occupied, disputes] = row;
    return { state, capability_ratio, distance_km, land_access, occupied, disputes };
  }

  /* A client that can be one: not the patron or an adversary, and one that the table knows. */
  const may_join = (state, wanted) => state !== wanted.patron
    && !wanted.adversary.split("+").includes(state) && latest(state, wanted.adversary) !== null;

  function set_place(wanted, key) {
    const place = content.places[key];
    Object.assign(wanted, { patron: place.patron, theatre: place.theatre });
    wanted.threat = copy(place.threat);
    if (wanted.adversary.split("+").includes(place.patron)) {
      set_adversary(wanted, content.powers.find((power) => power !== place.patron));
    }
    set_clients(wanted, wanted.clients.map((client) => client.state));
  }

  function set_adversary(wanted, adversary) {
    wanted.adversary = adversary;
    wanted.clients = wanted.clients.map((client) => latest(client.state, adversary));
    wanted.clients = wanted.clients.filter((client) => client && client.state !== wanted.patron);
    set_clients(wanted, wanted.clients.map((client) => client.state));
  }

  function set_clients(wanted, names) {
    const now = Object.fromEntries(wanted.clients.map((client) => [client.state, client]));
    const usable = names.filter((name, i) => names.indexOf(name) === i && (now[name]
      ? name !== wanted.patron : may_join(name, wanted)));
    if (!usable.length) {
      usable.push(Object.keys(content.states).find((name) => may_join(name, wanted)));
    }
    wanted.clients = usable.slice(0, content.most_clients)
      .map((name) => now[name] ?? latest(name, wanted.adversary));
  }

  const inside = (value, [low, high]) => Number.isFinite(value) && value >= low && value <= high;

  function read_client(client, parts) {
    const [ratio, distance, land, occupied, disputes] = parts, within = content.bounds.clients;
    const numbers = { capability_ratio: ratio, distance_km: distance, occupied, disputes };
    for (const [column, text] of Object.entries(numbers)) {
      const value = text === "" || text === undefined ? NaN : Number(text);
      const whole = column === "occupied" || column === "disputes";
      if (inside(value, within[column]) && (!whole || Number.isInteger(value))) {
        client[column] = value;
      }
    }
    if (land in LAND) client.land_access = land;
  }

  /* What the address says; what cannot be used in it is passed over. */
  function from_hash(hash) {
    const said = new URLSearchParams(hash.replace(/^#/, ""));
    const chosen = grouping_of(said.get("g")) ?? content.groupings[0];
    const wanted = copy(chosen.settings), get = (key) => said.get(key);
    if (get("place") in content.places) set_place(wanted, get("place"));
    if (content.powers.includes(get("adversary")) && get("adversary") !== wanted.patron) {
      set_adversary(wanted, get("adversary"));
    }
    if (said.has("clients")) set_clients(wanted, get("clients").split(","));
    for (const client of wanted.clients) {
      if (said.has(`c.${client.state}`)) read_client(client, get(`c.${client.state}`).split(","));
    }
    for (const column of Object.keys(THREAT)) {
      const value = said.get(`t.${column}`) ? Number(get(`t.${column}`)) : NaN;
      if (inside(value, content.bounds.threat[column])) wanted.threat[column] = value;
    }
    if (content.rungs.includes(get("today"))) wanted.today = get("today");
    if (["clients", "patron"].includes(get("initiative"))) wanted.initiative = get("initiative");
    if (content.designs.includes(get("design"))) wanted.design = get("design");
    if (said.has("statement")) {
      wanted.statement = content.statements.includes(get("statement")) ? get("statement") : null;
    }
    const horizon = Number(get("horizon")), share = Number(get("share"));
    if (Number.isInteger(horizon) && inside(horizon, [content.year, content.last_horizon])) {
      wanted.horizon = horizon;
    }
    if (get("share") && inside(share, [0, 1])) wanted.share = share;
    if (said.has("formation")) wanted.formation = get("formation") !== "0";
    if (said.has("expected")) wanted.expected = get("expected") === "1";
    const promises = (get("promises") ?? "").split(",").map(Number);
    const sum = promises.reduce((a, b) => a + b, 0);
    if (promises.length === 3 && promises.every((p) => inside(p, [0, 1])) && sum > 0) {
      // what already sums to 1 is left as it is, to the last digit
      wanted.promises = Math.abs(sum - 1) < 1e-9 ? promises : promises.map((p) => p / sum);
    }
    return [chosen, wanted];
  }

  const client_text = (c) =>
    [c.capability_ratio, c.distance_km, c.land_access, c.occupied, c.disputes].join(",");

  /* The address of the settings: what differs from the grouping's own. */
  function to_hash() {
    const out = new URLSearchParams({ g: grouping.name }), base = copy(grouping.settings);
    const now = settings;
    if (now.patron !== base.patron || now.theatre !== base.theatre) {
      const key = `${now.patron} ${now.theatre}`;
      out.set("place", key);
      set_place(base, key);
    }
    if (now.adversary !== base.adversary) {
      out.set("adversary", now.adversary);
      set_adversary(base, now.adversary);
    }
    const names = (of) => of.clients.map((client) => client.state).join(",");
    if (names(now) !== names(base)) {
      out.set("clients", names(now));
      set_clients(base, now.clients.map((client) => client.state));
    }
    now.clients.forEach((client, i) => {
      const text = client_text(client);
      if (text !== client_text(base.clients[i])) out.set(`c.${client.state}`, text);
    });
    for (const column of Object.keys(THREAT)) {
      const value = now.threat[column];
      if (value !== base.threat[column] && value !== null) out.set(`t.${column}`, value);
    }
    for (const key of ["today", "initiative", "design", "horizon", "share"]) {
      if (now[key] !== base[key]) out.set(key, now[key]);
    }
    if (now.statement !== base.statement) out.set("statement", now.statement ?? "");
    if (now.formation !== base.formation) out.set("formation", now.formation ? "1" : "0");
    if (now.expected !== base.expected) out.set("expected", now.expected ? "1" : "0");
    if (now.promises.join() !== base.promises.join()) out.set("promises", now.promises.join());
    return `#${out}`;
  }

  // ---- controls ----------------------------------------------------------------------------------

  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value === true) node.setAttribute(key, "");
      else if (value !== false && value !== null) node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  }

  const capital = (said) => said[0].toUpperCase() + said.slice(1);
  const words = (code) => code.replace("_", ", ");
  const state_name = (code) => content.states[code] ?? code;
  const shown = (value) => (value === null ? "" : String(Number(Number(value).toPrecision(6))));

  function select(id, label, options, value, change) {
    const list = Object.entries(options)
      .map(([code, text]) => el("option", { value: code, selected: code === value }, text));
    return el("label", {}, label, el("select", { id, onchange: (e) => change(e.target.value) }, ...list));
  }

  function number(id, label, value, [low, high], change, more = {}) {
    const { whole = false, ...rest } = more;
    const input = el("input", { id, type: "number", min: low, max: high, step: whole ? 1 : "any",
      value: shown(value), inputmode: whole ? "numeric" : "decimal", required: value !== null,
      ...rest });
    const read = (final) => {
      const found = input.value === "" ? null : Number(input.value);
      if (input.checkValidity() && found !== null) change(found, final);
    };
    input.addEventListener("input", () => read(false));
    input.addEventListener("change", () => read(true));
    return label === null ? input : el("label", {}, label, input);
  }

  /* A slider and a box for the same number. */
  function slider(id, label, value, limits, scale, change, whole = false) {
    const [forward, back, low, high] = SLIDERS[scale];
    const box = number(id, null, value, limits, (v, final) => {
      track.value = place(v);
      change(v, final);
    }, { "aria-label": label, whole });
    const place = (v) => Math.min(1000, Math.max(0, 1000 * (forward(v) - low) / (high - low)));
    const track = el("input", { id: `${id}-slider`, type: "range", min: 0, max: 1000,
      step: scale === "count" ? 50 : 1, value: value === null ? 500 : place(value) });
    const slide = (final) => {
      const rough = back(low + (high - low) * track.value / 1000);
      const at = Math.min(limits[1], Math.max(limits[0], Number(rough.toPrecision(3))));
      box.value = shown(at);
      change(at, final);
      track.setAttribute("aria-valuetext", shown(at));
    };
    track.addEventListener("input", () => slide(false));
    track.addEventListener("change", () => slide(true));
    if (value !== null) track.setAttribute("aria-valuetext", shown(value));
    return el("div", {}, el("label", { for: track.id }, label),
      el("div", { class: "pair" }, track, box));
  }

  const fieldset = (title, ...children) => el("fieldset", {}, el("legend", {}, title), ...children);
  const note = (text) => el("p", { class: "note" }, text);

  /* Write the controls anew from the settings; keep the focus where it was. */
  function draw_controls() {
    const focus = document.activeElement?.id;
    const open = new Set([...document.querySelectorAll("#controls details[open]")].map((d) => d.id));
    document.getElementById("controls").replaceChildren(
      of_grouping(), of_time(), of_promises(), of_threat(), of_clients(open));
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  }

  /* A change of the settings that changes which controls there are. */
  const remake = (change) => (value) => {
    change(value);
    draw_controls();
    update(true);
  };
  /* A change of one number or choice; a slider on its way makes no entry in the history. */
  const move = (change) => (value, final = true) => {
    change(value);
    update(final);
  };

  function of_grouping() {
    const groups = Object.fromEntries(content.groupings.map((g) => [g.name, g.title]));
    const all = Object.fromEntries(Object.entries(content.places).map(
      ([key, place]) => [key, `${state_name(place.patron)}: ${place.theatre}`]));
    const against = Object.fromEntries([...new Set([...content.powers, settings.adversary])]
      .filter((power) => power !== settings.patron)
      .map((power) => [power, power.split("+").map(state_name).join(" and ")]));
    const rungs = Object.fromEntries(content.rungs.map((rung) => [rung, words(rung)]));
    return fieldset("Grouping",
      select("grouping", "Start from", groups, grouping.name, remake((name) => {
        grouping = grouping_of(name);
        settings = copy(grouping.settings);
      })),
      select("place", "Patron and theatre", all, `${settings.patron} ${settings.theatre}`,
        remake((key) => set_place(settings, key))),
      select("adversary", "Adversary", against, settings.adversary,
        remake((power) => set_adversary(settings, power))),
      select("today", "What there is today", rungs, settings.today,
        move((rung) => { settings.today = rung; })),
      select("initiative", "Who presses for it", { clients: "the clients", patron: "the patron" },
        settings.initiative, move((who) => { settings.initiative = who; })),
      el("div", { class: "buttons" }, el("button", { id: "reset", type: "button",
        onclick: remake(() => { settings = copy(grouping.settings); }) }, "Reset")));
  }

  function of_time() {
    const years = {};
    for (let y = content.year; y <= content.last_horizon; y++) years[y] = y;
    const designs = Object.fromEntries(content.designs.map((design) => [design, words(design)]));
    const formation = el("input", { id: "formation", type: "checkbox", checked: settings.formation,
      onchange: (e) => move((on) => { settings.formation = on; })(e.target.checked) });
    return fieldset("Decision",
      select("horizon", "Horizon: by the end of", years, String(settings.horizon),
        move((y) => { settings.horizon = Number(y); })),
      el("label", { class: "check" }, formation, "Decisions arise as they did in the past"),
      note(`Without it a decision about the grouping is made in ${content.year}.`),
      slider("share", "Share of decisions that are about this grouping", settings.share, [0, 1],
        "share", move((v) => { settings.share = v; })),
      note("As unsure as the grouping has it, and known for certain once it is moved."),
      select("design", "Design to follow over the years", designs, settings.design,
        move((design) => { settings.design = design; })));
  }

  function of_promises() {
    const expected = el("input", { id: "expected", type: "checkbox", checked: settings.expected,
      onchange: (e) => remake((on) => { settings.expected = on; })(e.target.checked) });
    const level = (name, k) => slider(`promise-${name}`, name, settings.promises[k], [0, 1], "share",
      move((p) => {
        const rest = settings.promises.reduce((a, b, i) => (i === k ? a : a + b), 0);
        settings.promises = settings.promises.map((old, i) => {
          if (i === k) return p;
          return rest > 0 ? old * (1 - p) / rest : (1 - p) / 2;
        });
        PROMISES.forEach((other, i) => {
          if (i === k) return;
          const box = document.getElementById(`promise-${other}`);
          const track = document.getElementById(`promise-${other}-slider`);
          box.value = shown(settings.promises[i]);
          track.value = 1000 * settings.promises[i];
          track.setAttribute("aria-valuetext", box.value);
        });
      }));
    return fieldset("What the clients promised each other",
      el("label", { class: "check" }, expected, "As the occupation theory expects it"),
      note("It expects promises where occupation is credible. The other theories do not read them."),
      ...(settings.expected ? [] : PROMISES.map(level)));
  }

  function of_threat() {
    const statements = { "": "not recorded" };
    for (const s of content.statements) statements[s] = s;
    const bounds = content.bounds.threat;
    return fieldset(`Threat to ${state_name(settings.patron)}, from ${content.year} on`,
      ...Object.entries(THREAT).map(([column, label]) => slider(`threat-${column}`, label,
        settings.threat[column], bounds[column], SCALE[column],
        move((v) => { settings.threat[column] = v; }), column === "disputes")),
      select("statement", "Threat as stated", statements, settings.statement ?? "",
        move((s) => { settings.statement = s || null; })));
  }

  function of_clients(open) {
    const bounds = content.bounds.clients;
    const controls = (id, of, change, empty) => Object.entries(CLIENT).map(([column, label]) => {
      const here = `${id}-${column}`, value = of?.[column] ?? null;
      const set = (v, final) => change(column, v, final);
      if (column === "land_access") {
        const ways = empty ? { "": "each as it is", ...LAND } : LAND;
        return select(here, label, ways, value ?? "", (v) => v && set(v, true));
      }
      if (column === "occupied") {
        const said = empty ? { "": "each as it is", 0: "no", 1: "yes" } : { 0: "no", 1: "yes" };
        return select(here, label, said, value === null ? "" : String(value),
          (v) => v !== "" && set(Number(v), true));
      }
      return number(here, label, value, bounds[column], set,
        { whole: column === "disputes", placeholder: empty ? "each as it is" : null });
    });
    const one = (client, i) => el("details", { id: `client-${client.state}`,
      open: open.has(`client-${client.state}`) },
      el("summary", {}, state_name(client.state)),
      el("div", { class: "grid" }, ...controls(`client-${client.state}`, client,
        (column, v, final) => move(() => { client[column] = v; })(v, final), false)),
      el("div", { class: "buttons" }, el("button", { type: "button", id: `remove-${client.state}`,
        disabled: settings.clients.length < 2,
        onclick: remake(() => { settings.clients.splice(i, 1); }) },
        `Remove ${state_name(client.state)}`)));
    const everyone = el("details", { id: "client-all", open: open.has("client-all") },
      el("summary", {}, "All clients at once"),
      el("div", { class: "grid" }, ...controls("client-all", null, (column, v, final) => {
        move(() => { for (const client of settings.clients) client[column] = v; })(v, final);
        for (const client of settings.clients) {
          document.getElementById(`client-${client.state}-${column}`).value = v;
        }
      }, true)));
    const others = Object.entries(content.states)
      .filter(([code]) => may_join(code, settings)
        && !settings.clients.some((client) => client.state === code))
      .sort((a, b) => a[1].localeCompare(b[1]));
    const room = others.length > 0 && settings.clients.length < content.most_clients;
    const joining = room ? [el("div", { class: "add" },
      select("newcomer", "Another client", Object.fromEntries(others), others[0][0], () => {}),
      el("button", { id: "add", type: "button", onclick: remake(() => {
        const state = document.getElementById("newcomer").value;
        settings.clients.push(latest(state, settings.adversary));
      }) }, "Add"))] : [];
    return fieldset("Clients: geography and capability", everyone, ...settings.clients.map(one),
      ...joining, note("A client that is added comes with its latest indicators."));
  }

  // ---- beyond the data ---------------------------------------------------------------------------

  function warnings() {
    const out = [], place = place_of(settings), levels = content.ranges.levels;
    const of = { theatre: settings.theatre, patron: settings.patron, era: content.era };
    for (const [factor, level] of Object.entries(of)) {
      if (!levels[factor].includes(level)) {
        out.push(`No case in the data has the ${factor} ${level}: its effect comes from the priors `
          + "and from how far the others differ.");
      }
    }
    if (settings.clients.length > content.ranges.group) {
      out.push(`${settings.clients.length} clients are more than in any case of the data `
        + `(${content.ranges.group}).`);
    }
    const beyond = (what, value, range, where) => {
      if (value !== null && range && !inside(value, range)) {
        out.push(`Extrapolation: ${what} is ${shown(value)}, outside ${shown(range[0])} to `
          + `${shown(range[1])}, the range of ${where}.`);
      }
    };
    for (const client of settings.clients) {
      for (const [column, range] of Object.entries(content.ranges.clients)) {
        beyond(`${CLIENT[column].toLowerCase()} of ${state_name(client.state)}`, client[column],
          range, "the clients in the data");
      }
    }
    const where = `${state_name(settings.patron)} in ${settings.theatre}`;
    if (place.ends === null) {
      out.push(`The data have no years of ${where}: they do not say what the threat was before, so `
        + "it neither rises nor falls.");
    } else {
      for (const column of Object.keys(THREAT)) {
        beyond(THREAT[column].toLowerCase(), settings.threat[column], place.ranges[column],
          `the years of ${where}`);
      }
      const whose = (text) => (text ?? "").split("+").sort().join("+");
      if (whose(place.adversary) !== whose(settings.adversary)) {
        out.push(`The last years of ${where} measure the threat from `
          + `${place.adversary ? state_name(place.adversary) : "no adversary"}, not from `
          + `${state_name(settings.adversary)}.`);
      }
    }
    return out;
  }

  // ---- figures -----------------------------------------------------------------------------------

  const SVG = "http://www.w3.org/2000/svg";

  function svg(tag, attributes, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  const colour = (name) => getComputedStyle(document.documentElement)
    .getPropertyValue(`--${name}`).trim();
  const text = (x, y, said, anchor = "start", fill = "ink", more = {}) => svg("text", { x, y,
    "text-anchor": anchor, fill: colour(fill), "font-size": 13, "font-family": "sans-serif",
    ...more }, said);
  const line = (x1, y1, x2, y2, stroke, width = 1, more = {}) =>
    svg("line", { x1, y1, x2, y2, stroke: colour(stroke), "stroke-width": width, ...more });
  const DASHES = { occupation: "7 3", prospect: "2 3", null: "9 3 2 3", stacked: "none" };

  /* Each theory has a shape beside its colour. */
  function marker(name, x, y, size = 4.5) {
    const fill = colour(name);
    if (name === "prospect") {
      return svg("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size, fill });
    }
    const corners = { null: 4, stacked: 3 }[name];
    if (!corners) return svg("circle", { cx: x, cy: y, r: size + 0.3, fill });
    const points = Array.from({ length: corners }, (_, i) => {
      const turn = 2 * Math.PI * i / corners - Math.PI / 2;
      return `${x + 1.35 * size * Math.cos(turn)},${y + 1.35 * size * Math.sin(turn)}`;
    });
    return svg("polygon", { points: points.join(" "), fill });
  }

  function axis(width, left, right, y0, y1) {
    const at = (p) => left + p * (width - left - right);
    return [0, 0.25, 0.5, 0.75, 1].flatMap((p) => [
      line(at(p), y0, at(p), y1, "rule"),
      text(at(p), y1 + 17, `${100 * p}${p === 1 ? " %" : ""}`, "middle", "soft"),
    ]);
  }

  /* Dots with intervals: one row a state, one line a theory. */
  function dots(rows, width, said) {
    const left = width < 480 ? 118 : 160, right = 24, step = 11;
    const tall = THEORIES.length * step + 12, height = rows.length * tall + 30;
    const at = (p) => left + p * (width - left - right);
    const out = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": said }, ...axis(width, left, right, 4, rows.length * tall + 4));
    rows.forEach(([label, by_theory], i) => {
      const top = i * tall + 4;
      out.append(text(left - 8, top + tall / 2 + 4, label, "end"));
      if (i) out.append(line(0, top, width - right, top, "rule"));
      THEORIES.forEach((name, j) => {
        const [middle, low, high] = by_theory[name], y = top + 6 + (j + 0.5) * step;
        out.append(line(at(low), y, at(high), y, name, 2), marker(name, at(middle), y));
      });
    });
    return out;
  }

  /* Lines by year or age, with the interval of the last theory (stacked, if there are several). */
  function lines(xs, series, width, label, said) {
    const left = 44, right = 20, top = 10, bottom = 210, height = 250;
    const first = xs[0], last = xs[xs.length - 1];
    const at = (v) => left + (last > first ? (v - first) / (last - first) : 0.5) * (width - left - right);
    const highest = Math.max(...series.flatMap((of) => THEORIES.map((name) => of[name][2])));
    const most = [0.05, 0.1, 0.2, 0.5, 1].find((p) => highest <= p) ?? 1;
    const up = (p) => bottom - p / most * (bottom - top);
    const out = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": said });
    for (const p of [0, 0.2, 0.4, 0.6, 0.8, 1].map((part) => part * most)) {
      const label = `${Number((100 * p).toPrecision(3))}${p === most ? " %" : ""}`;
      out.append(line(left, up(p), width - right, up(p), "rule"),
        text(left - 6, up(p) + 4, label, "end", "soft"));
    }
    const every = [1, 2, 5, 10].find((step) => xs.length / step <= (width < 480 ? 6 : 10)) ?? 10;
    xs.forEach((v, i) => {
      if (i % every === 0) out.append(text(at(v), bottom + 18, String(v), "middle", "soft"));
    });
    out.append(text((left + width - right) / 2, bottom + 36, label, "middle", "soft"));
    const main = THEORIES[THEORIES.length - 1];
    const edge = (k) => xs.map((v, i) => `${at(v)},${up(series[i][main][k])}`);
    out.append(svg("polygon", { points: [...edge(1), ...edge(2).reverse()].join(" "),
      fill: colour(main), "fill-opacity": 0.13 }));
    for (const name of THEORIES) {
      const points = xs.map((v, i) => `${at(v)},${up(series[i][name][0])}`);
      out.append(svg("polyline", { points: points.join(" "), fill: "none", stroke: colour(name),
        "stroke-width": 2, "stroke-dasharray": DASHES[name] }));
      out.append(marker(name, at(last), up(series[series.length - 1][name][0])));
    }
    return out;
  }

  const rung_of_design = () =>
    content.rungs[content.rung_of_cell[content.cells.cells.indexOf(settings.design)]];

  /* Title, figure and words of each figure, at a width. */
  function figures(width) {
    const { cells, ladder, survival } = answer, last = ladder[ladder.length - 1];
    const years = ladder.map((_, y) => content.year + y), ages = survival.map((_, age) => age);
    const rung = rung_of_design(), design = words(settings.design);
    const said = (title, of) => `${title}: ${THEORIES.map((name) => `${name} ${range(of[name])}`)
      .join("; ")}`;
    const best = content.designs[content.designs.length - 1];
    const titles = {
      cells: `Design, given a decision in ${content.year}`,
      ladder: `What the grouping is at the end of ${settings.horizon}`,
      years: `${capital(words(rung))}, by the end of each year`,
      survival: `${capital(design)}, made in ${content.year}: still standing after so many years`,
    };
    return {
      cells: [titles.cells, dots(content.cells.cells.map((cell) => [words(cell), cells[cell]]),
        width, said(`${titles.cells}, ${words(best)}`, cells[best]))],
      ladder: [titles.ladder, dots([...content.rungs, "decision"].map((r) =>
        [r === "decision" ? "any decision" : words(r), last[r]]), width,
        said(`${titles.ladder}, ${words(rung)}`, last[rung]))],
      years: [titles.years, lines(years, ladder.map((y) => y[rung]), width, "year",
        said(titles.years, last[rung]))],
      survival: [titles.survival, lines(ages, survival, width, "years since it was made",
        said(titles.survival, survival[survival.length - 1]))],
    };
  }

  const percent = (p) => (p > 0 && p < 0.01 ? "below 1" : String(Math.round(100 * p)));
  const range = ([middle, low, high]) =>
    `${percent(middle)}\u00a0% (${Math.round(100 * low)} to ${Math.round(100 * high)})`;

  // ---- the answer --------------------------------------------------------------------------------

  function draw_answer() {
    const id = (name) => document.getElementById(name);
    const main = THEORIES[THEORIES.length - 1], rung = rung_of_design();
    const last = answer.ladder[answer.ladder.length - 1];
    id("title").textContent = grouping.title;
    id("question").textContent = grouping.question;
    id("headline").textContent = `${capital(words(settings.design))} (${main}): `
      + `${range(answer.cells[settings.design][main])}, given a decision. `
      + `${capital(words(rung))} by ${settings.horizon}: ${range(last[rung][main])}.`;
    id("warnings").replaceChildren(...warnings().map((said) => el("li", {}, said)));
    const width = Math.max(280, Math.min(id("cells-chart").clientWidth, 720));
    for (const [name, [title, figure]] of Object.entries(figures(width))) {
      id(`${name}-title`).textContent = title;
      id(`${name}-chart`).replaceChildren(figure);
    }
    if (id("numbers").parentElement.open) draw_numbers();
  }

  function draw_numbers() {
    const head = () => el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""),
      ...THEORIES.map((name) => el("th", { scope: "col" }, name))));
    const digits = ([middle, low, high]) =>
      `${middle.toFixed(3)} (${low.toFixed(3)}, ${high.toFixed(3)})`;
    const table = (title, rows) => el("table", {}, el("caption", {}, title), head(), el("tbody", {},
      ...rows.map(([label, of]) => el("tr", {}, el("th", { scope: "row" }, label),
        ...THEORIES.map((name) => el("td", {}, digits(of[name])))))));
    const last = answer.ladder[answer.ladder.length - 1];
    document.getElementById("numbers").replaceChildren(
      table(`Design, given a decision (${PERCENT} intervals)`,
        content.cells.cells.map((cell) => [words(cell), answer.cells[cell]])),
      table(`What the grouping is at the end of ${settings.horizon}`,
        Object.entries(last).map(([rung, of]) => [words(rung), of])),
      table(`${capital(words(settings.design))}: still standing after so many years`,
        [1, 5, 10, 20, 30].filter((age) => answer.survival[age])
          .map((age) => [String(age), answer.survival[age]])));
  }

  let waiting = false;

  /* Compute and draw at the next frame; note the settings in the address. */
  function update(final) {
    const hash = to_hash();
    if (hash !== location.hash) history[final ? "pushState" : "replaceState"](null, "", hash);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      answer = model.answer(settings);
      draw_answer();
    });
  }

  function follow() {
    [grouping, settings] = from_hash(location.hash);
    draw_controls();
    answer = model.answer(settings);
    draw_answer();
  }

  // ---- files -------------------------------------------------------------------------------------

  /* A name that a spreadsheet would take for a formula begins with an apostrophe. */
  function csv_text(value) {
    const plain = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\n\r]/.test(plain) ? `"${String(plain).replaceAll('"', '""')}"` : String(plain);
  }

  function as_csv() {
    const rows = [["scenario", "title", "question", "theory", "time", "state", "probability",
      "lower", "upper"]];
    const add = (question, time, state, of) => {
      for (const name of THEORIES) {
        rows.push([grouping.name, grouping.title, question, name, time, state, ...of[name]]);
      }
    };
    for (const [cell, of] of Object.entries(answer.cells)) {
      add("design given a decision", content.year, cell, of);
    }
    answer.ladder.forEach((rungs, y) => {
      for (const [rung, of] of Object.entries(rungs)) {
        add("by the end of the year", content.year + y, rung, of);
      }
    });
    answer.survival.forEach((of, age) => add("still standing, by age", age, settings.design, of));
    return rows.map((row) => row.map(csv_text).join(",")).join("\n") + "\n";
  }

  /* All figures in one. */
  function as_svg() {
    const width = 760, out = svg("svg", { xmlns: SVG, width });
    let y = 28;
    const add = (node, more) => { out.append(svg("g", { transform: `translate(20 ${y})` }, node)); y += more; };
    add(text(0, 0, grouping.title, "start", "ink", { "font-size": 18, "font-weight": "bold" }), 22);
    const supposed = `${state_name(settings.patron)} with ${settings.clients
      .map((client) => state_name(client.state)).join(", ")} against ${state_name(settings.adversary)}`;
    for (const part of folded(supposed, 100)) add(text(0, 0, part, "start", "soft"), 18);
    for (const part of folded(`${PERCENT} intervals. ${warnings().join(" ")}`, 100)) {
      add(text(0, 0, part, "start", "soft"), 18);
    }
    const legend = svg("g", {});
    THEORIES.forEach((name, i) => legend.append(marker(name, 8 + 150 * i, -4),
      text(20 + 150 * i, 0, NULL_LABEL[name] ?? name)));
    add(legend, 26);
    for (const [title, figure] of Object.values(figures(720))) {
      add(text(0, 0, title, "start", "ink", { "font-weight": "bold" }), 8);
      add(figure, Number(figure.getAttribute("height")) + 30);
    }
    out.setAttribute("height", y);
    out.setAttribute("viewBox", `0 0 ${width} ${y}`);
    out.prepend(svg("rect", { width, height: y, fill: colour("paper") }));
    return out;
  }

  function folded(said, most) {
    const out = [""];
    for (const word of said.split(" ")) {
      const next = `${out[out.length - 1]} ${word}`.trim();
      if (next.length > most) out.push(word);
      else out[out.length - 1] = next;
    }
    return out;
  }

  async function as_png() {
    const drawn = as_svg(), image = new Image(), canvas = document.createElement("canvas");
    image.src = `data:image/svg+xml;charset=utf-8,${
      encodeURIComponent(new XMLSerializer().serializeToString(drawn))}`;
    await image.decode();
    canvas.width = 2 * drawn.getAttribute("width");
    canvas.height = 2 * drawn.getAttribute("height");
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  function download(blob, ending) {
    const link = el("a", { href: URL.createObjectURL(blob), download: `${grouping.name}.${ending}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // ---- begin -------------------------------------------------------------------------------------

  document.getElementById("legend").replaceChildren(...THEORIES.map((name) => el("li", {},
    svg("svg", { width: 16, height: 16, "aria-hidden": "true" }, marker(name, 8, 8)),
    NULL_LABEL[name] ?? name)), el("li", {}, `lines and bands: ${PERCENT} intervals`));
  document.getElementById("exports").append(
    el("button", { id: "png", type: "button", onclick: async () => download(await as_png(), "png") },
      "Save figures (PNG)"),
    el("button", { id: "csv", type: "button",
      onclick: () => download(new Blob([as_csv()], { type: "text/csv" }), "csv") },
      "Save numbers (CSV)"));
  // the hash holds the settings, so that links within the page would lose them
  document.getElementById("skip").addEventListener("click", (e) => {
    e.preventDefault();
    document.getElementById("answer").focus();
  });
  document.getElementById("controls").addEventListener("submit", (e) => e.preventDefault());
  document.getElementById("numbers").parentElement.addEventListener("toggle", draw_numbers);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw_answer);
  addEventListener("resize", () => requestAnimationFrame(draw_answer));
  addEventListener("popstate", follow);
  follow();
  window.explorer = { answer: model.answer, content, settings: () => copy(settings), as_csv };
})();
