"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PART = 1e5, SVG = "http://www.w3.org/2000/svg";
  const n = data.periods.length;
  const byId = (id) => document.getElementById(id);

  // Words of the corpus enter the page here alone, as text.
  const make = (tag, props = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
      else if (value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  };
  const draw = (tag, attributes, ...children) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  const bare = (share) => {
    const x = share * 100;
    return x === 0 ? "0" : Math.abs(x) < 0.995 ? x.toFixed(2) : x.toFixed(1);
  };
  const percent = (share) => bare(share) + "\u00a0%";
  const points = (x) => (x > 0 ? "+" : x < 0 ? "\u2212" : "") + bare(Math.abs(x));
  const count = (x) => String(x).replace(/\B(?=(\d{3})+$)/g, ",");
  const value = (table, theme, period) => {
    const x = table[theme][period];
    return x === null ? null : x / PART;
  };
  const filled = data.n_documents.map((x, at) => (x > 0 ? at : -1)).filter((at) => at >= 0);
  const nameOf = (at) => { const d = data.documents[at]; return d.title ?? d.id; };

  // ---- passages: by theme, then period
  const passages = new Map();
  for (const p of data.passages) {
    const key = p[0] + ":" + p[1];
    if (!passages.has(key)) passages.set(key, []);
    passages.get(key).push(p);
  }
  const quote = ([, , doc, score, before, text, after]) => {
    const d = data.documents[doc];
    const from = [d.source, d.date].filter((x) => x !== undefined).map((x) => " · " + x).join("");
    return make("li", {},
      make("blockquote", { dir: "auto" }, before, make("mark", {}, text), after),
      make("p", { class: "from" }, documentButton(doc, nameOf(doc)), from,
        make("span", { class: "score" }, " · score " + (score / 1000).toFixed(2)), ...copyButton(doc, before + text + after)));
  };
  // A quotation with its source, for a paper; offered where the browser lets a page copy.
  const copyButton = (doc, sentence) => {
    if (!navigator.clipboard) return [];
    const d = data.documents[doc];
    const from = [d.title, d.id, d.source, d.date].filter((x) => x !== undefined).join(", ");
    const button = make("button", { type: "button", class: "copy" }, "Copy");
    button.addEventListener("click", () => navigator.clipboard.writeText(`“${sentence.trim()}” (${from})`)
      .then(() => { button.textContent = "Copied"; }, () => button.remove()));
    return [" ", button];
  };
  const evidence = new Map();
  const showPassages = (theme, period) => {
    const box = evidence.get(theme);
    box.select.value = String(period);
    if (period === ALL) {
      box.list.replaceChildren(...box.best);
      box.title.textContent = "Passages, best first";
      return;
    }
    const found = passages.get(theme + ":" + period) ?? [];
    box.list.replaceChildren(...found.map(quote));
    const label = period < 0 ? "no period" : data.periods[period];
    box.title.textContent = found.length
      ? `Passages of ${label}, best first (${found.length} carried here; all stand in documents.jsonl)`
      : `No passage of ${label} is carried here; all stand in documents.jsonl`;
  };
  const ALL = -2;
  const setUpEvidence = (node) => {
    const theme = Number(node.dataset.theme);
    const list = node.querySelector("ol"), title = node.querySelector("h4");
    const select = make("select", { id: "period-" + theme });
    select.append(make("option", { value: String(ALL) }, "all periods"));
    for (let at = filled.length - 1; at >= 0; at--) {
      const own = passages.get(theme + ":" + filled[at]);
      if (own) select.append(make("option", { value: String(filled[at]) }, data.periods[filled[at]]));
    }
    if (passages.has(theme + ":-1")) select.append(make("option", { value: "-1" }, "no period"));
    select.addEventListener("change", () => showPassages(theme, Number(select.value)));
    title.after(make("p", { class: "controls" },
      make("label", { for: "period-" + theme }, "Period"), select));
    evidence.set(theme, { list, title, select, best: [...list.children] });
  };

  // ---- a document
  const dialog = byId("document");
  const documentButton = (at, name) =>
    make("button", { type: "button", class: "doc", on: { click: () => openDocument(at) } }, name);
  const openDocument = (at) => {
    const d = data.documents[at];
    const facts = [d.title === undefined ? undefined : d.id, d.source, d.date ?? "no date", d.file,
      d.n + " units", d.copy_of === undefined ? undefined : "repeats " + d.copy_of];
    const close = make("button", { type: "button", on: { click: () => dialog.close() } }, "Close");
    const sheet = make("div", { class: "sheet" },
      make("header", {}, make("h2", { id: "document-name" }, nameOf(at)), close),
      make("p", { class: "note" }, facts.filter((x) => x !== undefined).join(" · ")),
      make("p", { class: "note" },
        d.themes.map(([theme, share]) => data.themes[theme] + " " + percent(share / PART)).join(" · ")));
    sheet.append(...(data.texts[at] ? textOf(data.texts[at]) : passagesOf(at)));
    dialog.replaceChildren(sheet);
    dialog.showModal();
  };
  // Units that carry a theme are underlined in its colour and named; a colour never speaks alone.
  const textOf = (units) => {
    const colours = new Map();
    const box = make("div", { class: "text", dir: "auto" });
    let paragraph = null;
    for (const [space, text, themes] of units) {
      if (space === "¶" || !paragraph) box.append(paragraph = make("p"));
      else paragraph.append(space);
      if (!themes.length) { paragraph.append(text); continue; }
      if (!colours.has(themes[0])) colours.set(themes[0], colours.size % 8);
      const colour = colours.get(themes[0]);
      paragraph.append(make("span", { class: "unit k" + colour }, text), " ",
        make("span", { class: "tag t" + colour }, themes.map((theme) => data.themes[theme]).join(", ")));
    }
    return [box];
  };
  const passagesOf = (at) => {
    const own = data.passages.filter((p) => p[2] === at);
    const items = own.map((p) => {
      const item = quote(p);
      item.querySelector(".from").replaceChildren(data.themes[p[0]] + " · score " + (p[3] / 1000).toFixed(2));
      return item;
    });
    const said = own.length ? "Its passages that this page carries. " : "";
    return [make("p", { class: "note" }, said + "The whole text stands in units.parquet."),
      make("ol", { class: "quotes" }, ...items)];
  };

  // ---- documents table
  const PAGE = 50;
  const setUpDocuments = () => {
    const body = byId("documents-table").tBodies[0], words = byId("words"), about = byId("about");
    data.themes.forEach((name, at) => about.append(make("option", { value: String(at) }, name)));
    const haystack = data.documents.map((d) =>
      [d.id, d.title, d.source, d.date].filter((x) => x !== undefined).join(" ").toLowerCase());
    const share = (d, theme) => (d.themes.find((t) => t[0] === theme) ?? [0, 0])[1];
    let found = [], shown = 0;
    const row = (at) => {
      const d = data.documents[at];
      const themes = d.themes.slice(0, 3).map(([t, s]) => data.themes[t] + " " + percent(s / PART));
      return make("tr", {},
        make("th", { scope: "row" }, documentButton(at, nameOf(at))), make("td", {}, d.date ?? "no date"),
        make("td", { class: "n" }, count(d.n)), make("td", {}, themes.join(" · ")));
    };
    const more = () => {
      body.append(...found.slice(shown, shown + PAGE).map(row));
      shown = Math.min(shown + PAGE, found.length);
      byId("more").hidden = shown >= found.length;
      byId("matches").textContent = `${count(shown)} of ${count(found.length)} matching documents shown`;
    };
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const theme = about.value === "" ? null : Number(about.value);
      found = [];
      haystack.forEach((text, at) => {
        if (wanted.every((word) => text.includes(word)) && (theme === null || share(data.documents[at], theme) > 0))
          found.push(at);
      });
      if (theme !== null) found.sort((a, b) => share(data.documents[b], theme) - share(data.documents[a], theme));
      body.replaceChildren();
      shown = 0;
      more();
    };
    words.addEventListener("input", filter);
    about.addEventListener("change", filter);
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    byId("more").addEventListener("click", more);
    byId("filter").hidden = false;
    filter();
  };

  // ---- going to a theme, in a period
  const openTheme = (theme, period) => {
    const page = byId("theme-" + theme);
    if (!page) return;
    page.open = true;
    if (period === undefined) return;
    showPassages(theme, period);
    history.replaceState(null, "", "#theme-" + theme);
    const box = evidence.get(theme);
    box.title.tabIndex = -1;
    box.title.focus({ preventScroll: true });
    box.title.scrollIntoView({ block: "start" });
  };
  const followHash = () => {
    const match = /^#theme-(\d+)$/.exec(location.hash);
    if (match) { openTheme(Number(match[1])); byId("theme-" + match[1])?.scrollIntoView(); }
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#theme-"]');
    if (link) openTheme(Number(link.getAttribute("href").slice(7)));
  });

  // ---- heatmap
  const ROW = 24;
  const setUpHeat = () => {
    const cells = byId("cells"), cursor = byId("cursor"), said = byId("cell");
    if (!cells) return;
    const rows = data.shares.length;
    let at = { theme: 0, period: filled[filled.length - 1] ?? 0 };
    const show = (cell) => {
      at = cell;
      const share = value(data.shares, cell.theme, cell.period);
      const low = value(data.low, cell.theme, cell.period), high = value(data.high, cell.theme, cell.period);
      const set = (name, x) => cursor.setAttribute(name, x);
      set("x", (cell.period / n) * 100 + "%"); set("width", 100 / n + "%");
      set("y", cell.theme * ROW); set("height", ROW); set("visibility", "visible");
      const name = data.themes[cell.theme] ?? "No theme";
      const interval = low === null ? "" : ` (${bare(low)} to ${bare(high)})`;
      const docs = data.n_documents[cell.period];
      said.textContent = share === null
        ? `${name}, ${data.periods[cell.period]}: no documents`
        : `${name}, ${data.periods[cell.period]}: ${percent(share)}${interval}, ${count(docs)} documents`;
    };
    const open = () => {
      if (at.theme < data.themes.length && data.n_documents[at.period] > 0) openTheme(at.theme, at.period);
    };
    const under = (event) => {
      const box = cells.getBoundingClientRect();
      const clamp = (x, end) => Math.max(0, Math.min(end - 1, Math.floor(x)));
      return { theme: clamp((event.clientY - box.top) / ROW, rows),
        period: clamp(((event.clientX - box.left) / box.width) * n, n) };
    };
    cells.tabIndex = 0;
    cells.setAttribute("role", "group");
    cells.setAttribute("aria-label", "Heatmap: arrow keys move, Enter opens the passages");
    cells.addEventListener("pointermove", (event) => show(under(event)));
    cells.addEventListener("click", (event) => { show(under(event)); open(); });
    cells.addEventListener("focus", () => show(at));
    cells.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (event.key === "Enter") { event.preventDefault(); open(); }
      if (!step) return;
      event.preventDefault();
      show({ theme: Math.max(0, Math.min(rows - 1, at.theme + step[0])),
        period: Math.max(0, Math.min(n - 1, at.period + step[1])) });
    });
    said.textContent = "Point at a cell for its number; click it for its passages.";
  };

  // ---- two periods
  const VERDICTS = ["▲ rose", "▼ fell", "no evidence of change", "too little data"];
  const verdicts = new Map(data.verdicts.map(([t, a, b, v]) => [t + ":" + a + ":" + b, v]));
  // From intervals of two shares to that of their difference (Zou and Donner 2008).
  const difference = (a, b, theme, from, to) => {
    const [al, ah] = [value(data.low, theme, from), value(data.high, theme, from)];
    const [bl, bh] = [value(data.low, theme, to), value(data.high, theme, to)];
    if (al === null || bl === null) return [null, null];
    return [b - a - Math.hypot(b - bl, ah - a), b - a + Math.hypot(bh - b, a - al)];
  };
  const pairOf = (from, to) => {
    const rows = [];
    data.themes.forEach((_, theme) => {
      const a = value(data.shares, theme, from), b = value(data.shares, theme, to);
      if (a === null || b === null) return;
      const [low, high] = difference(a, b, theme, from, to);
      rows.push({ theme, a, b, low, high, verdict: verdicts.get(theme + ":" + from + ":" + to) ?? -1 });
    });
    return { from: data.periods[from], to: data.periods[to], rows };
  };
  const named = data.pairs.map((pair) => ({ from: pair.from, to: pair.to,
    rows: pair.rows.map(([theme, a, b, low, high, verdict]) => ({ theme, a: a / PART, b: b / PART,
      low: low === null ? null : low / PART, high: high === null ? null : high / PART, verdict })) }));
  // Labels apart, as near as can be to where they want to be: isotonic regression by pooling.
  const spread = (wanted, gap, height) => {
    const order = wanted.map((_, k) => k).sort((a, b) => wanted[a] - wanted[b]), pools = [];
    order.forEach((label, k) => {
      pools.push([wanted[label] - k * gap, 1]);
      while (pools.length > 1 && pools.at(-2)[0] > pools.at(-1)[0]) {
        const [b, a] = [pools.pop(), pools.pop()], count = a[1] + b[1];
        pools.push([(a[0] * a[1] + b[0] * b[1]) / count, count]);
      }
    });
    const room = Math.max(0, height - gap * (wanted.length - 1)), at = [];
    let k = 0;
    for (const [mean, count] of pools)
      for (let j = 0; j < count; j++, k++) at[order[k]] = Math.max(0, Math.min(room, mean)) + k * gap;
    return at;
  };
  const HEIGHT = 420, LABEL = 17, MAX_LINES = 14, SHORT = 20;
  const slope = (pair) => {
    const rows = [...pair.rows].sort((x, y) => Math.max(y.a, y.b) - Math.max(x.a, x.b)).slice(0, MAX_LINES);
    const top = Math.max(1e-9, ...rows.map((r) => Math.max(r.a, r.b)));
    const y = (share) => HEIGHT * (1 - Math.sqrt(share / top));
    const left = spread(rows.map((r) => y(r.a)), LABEL, HEIGHT);
    const right = spread(rows.map((r) => y(r.b)), LABEL, HEIGHT);
    const group = draw("g", { transform: "translate(0 28)" },
      draw("text", { class: "head", x: "16%", y: -14, "text-anchor": "end" }, pair.from),
      draw("text", { class: "head", x: "44%", y: -14 }, pair.to));
    rows.forEach((r, k) => {
      const [look, mark] = r.verdict === 0 ? ["rose", "▲ "] : r.verdict === 1 ? ["fell", "▼ "] : ["same", ""];
      const name = data.themes[r.theme];
      const short = [...name].length > SHORT ? [...name].slice(0, SHORT - 1).join("").trimEnd() + "…" : name;
      const line = (x1, x2, y1, y2, extra) => draw("line", { x1, x2, y1, y2, ...extra });
      group.append(draw("g", { class: look },
        line("15%", "16%", left[k], y(r.a), { class: "lead" }), line("16%", "44%", y(r.a), y(r.b), {}),
        line("44%", "45.5%", y(r.b), right[k], { class: "lead" }),
        draw("circle", { r: 3, cx: "16%", cy: y(r.a) }), draw("circle", { r: 3, cx: "44%", cy: y(r.b) }),
        draw("text", { x: "14.5%", "text-anchor": "end", y: left[k] + 4 }, percent(r.a)),
        draw("text", { x: "46%", y: right[k] + 4 }, mark + percent(r.b) + " ",
          draw("tspan", { class: "long" }, name), draw("tspan", { class: "short" }, short))));
    });
    return draw("svg", { class: "plot slope", id: "slope", width: "100%", height: HEIGHT + 40, role: "img",
      "aria-label": `Shares in ${pair.from} and in ${pair.to}; the table below has the numbers` }, group);
  };
  const pairTable = (pair) => {
    const rows = [...pair.rows].sort((x, y) => Math.abs(y.b - y.a) - Math.abs(x.b - x.a));
    const cell = (text) => make("td", { class: "n" }, text);
    const head = (text, number) => make("th", { scope: "col", class: number ? "n" : "" }, text);
    return make("table", { id: "pair" },
      make("thead", {}, make("tr", {}, head("Theme"), head(pair.from, 1), head(pair.to, 1), head("Points", 1),
        head("95 % interval", 1), head("Tested"))),
      make("tbody", {}, ...rows.map((r) => make("tr", {},
        make("th", { scope: "row" }, data.themes[r.theme]), cell(percent(r.a)), cell(percent(r.b)),
        cell(points(r.b - r.a)),
        cell(r.low === null ? "too few documents" : points(r.low) + " to " + points(r.high)),
        make("td", {}, VERDICTS[r.verdict] ?? "not tested")))));
  };
  const setUpPair = () => {
    const form = byId("choose"), from = byId("from"), to = byId("to");
    if (!form || filled.length < 2) return;
    const show = (pair) => {
      byId("slope-box").replaceChildren(slope(pair));
      byId("pair-box").replaceChildren(pairTable(pair));
    };
    for (const select of [from, to])
      for (const at of filled) select.append(make("option", { value: String(at) }, data.periods[at]));
    from.value = String(filled[0]);
    to.value = String(filled[filled.length - 1]);
    for (const select of [from, to])
      select.addEventListener("change", () => show(pairOf(Number(from.value), Number(to.value))));
    for (const pair of named)
      byId("named").append(make("button", { type: "button", on: { click: () => show(pair) } },
        pair.from + " and " + pair.to), " ");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
  };

  document.querySelectorAll(".evidence").forEach(setUpEvidence);
  document.querySelectorAll(".doc[data-document]").forEach((node) =>
    node.replaceWith(documentButton(Number(node.dataset.document), node.textContent)));
  setUpHeat();
  setUpPair();
  setUpDocuments();
  addEventListener("hashchange", followHash);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  followHash();
})();
