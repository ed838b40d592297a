// The answers of a study beside each other. The address's fragment says what is shown, and nothing else does: controls
// and links change it, and whatever changes it is drawn. Texts of models are set as text, never as HTML.
"use strict";
(() => {
const LOADED = 24; // pieces that are kept
const $ = (id) => document.getElementById(id);
const pieces = new Map(); // name -> promise of its content, the one used last at the end
const arriving = new Map(); // name -> what takes its content
let index, view, matches, drawn = 0;

window.polyglotPiece = (name, content) => (name === "index" ? start(content) : arriving.get(name)?.(content));

// ---- pieces

function load(name) {
  const known = pieces.get(name) ?? fetchPiece(name);
  pieces.delete(name);
  pieces.set(name, known);
  for (const old of [...pieces.keys()].slice(0, -LOADED)) pieces.delete(old);
  return known;
}

// A page that was opened from a disk may load scripts and may not fetch.
function fetchPiece(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const done = (end, value) => (script.remove(), arriving.delete(name), end(value));
    arriving.set(name, (content) => done(resolve, content));
    script.onerror = () => (pieces.delete(name), done(reject, new Error(`answers/${name}.js cannot be loaded: the folder “answers” has to lie beside this page.`)));
    script.src = `answers/${name}.js`;
    document.head.append(script);
  });
}

const pieceOf = async (head, question, part) =>
  (await load(`${head}-${Math.floor(question / part)}`))[question % part];

// ---- what is shown, as the fragment says it

const DEFAULTS = { in: "", category: "", defect: "", most: "", differ: "", sort: "order", turn: "", side: "" };

const isNumber = (text) => text.trim() !== "" && Number.isFinite(Number(text));
const MEANS = { // whether a text says something
  in: (code) => index.languages.some((one) => one.code === code),
  category: (name) => index.questions.some((one) => one.category === name),
  defect: (name) => index.defects.some(([one]) => one === name),
  most: isNumber,
  differ: isNumber,
  sort: (name) => Object.hasOwn(ORDERS, name),
  turn: (text) => index.questions.some((one) => isNumber(text) && one.turns >= Number(text)),
  side: (name) => name === "a" || name === "b",
};

function read() {
  const said = new URLSearchParams(location.hash.slice(1)), unknown = [];
  const find = (name, rows, key, otherwise) => {
    if (!said.has(name)) return otherwise;
    const found = rows.findIndex((row) => row[key] === said.get(name));
    if (found < 0) unknown.push(said.get(name));
    return found < 0 ? otherwise : found;
  };
  const state = { ...DEFAULTS };
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = said.get(name) ?? usual;
    if (value === usual || MEANS[name](value)) state[name] = value;
    else unknown.push(value);
  }
  state.a = find("a", index.cells, "cell", index.first[0]);
  // A link may name one side: beside it stands the usual other one, and never the same.
  state.b = find("b", index.cells, "cell", index.first[state.a === index.first[1] ? 0 : 1]);
  for (const side of ["a", "b"]) {
    const text = said.get(`${side}n`) ?? "0", sample = Number(text);
    const isThere = Number.isInteger(sample) && sample >= 0 && sample < index.cells[state[side]].samples;
    state[`${side}n`] = isThere ? sample : 0;
    if (!isThere) unknown.push(text);
  }
  state.language = find("lang", index.languages, "code", null);
  state.question = find("q", index.questions, "id", null);
  return { state, unknown };
}

function fragment(changes = {}) {
  const state = { ...view, ...changes }, said = new URLSearchParams();
  said.set("a", index.cells[state.a].cell);
  said.set("b", index.cells[state.b].cell);
  for (const side of ["an", "bn"]) if (state[side]) said.set(side, state[side]);
  if (state.language !== null) said.set("lang", index.languages[state.language].code);
  if (state.question !== null) said.set("q", index.questions[state.question].id);
  for (const [name, usual] of Object.entries(DEFAULTS)) if (state[name] !== usual) said.set(name, state[name]);
  return `#${said}`;
}

// A new question is a step that Back undoes, another filter is not.
function show(changes, { step = false } = {}) {
  const next = fragment({ turn: "", side: "", ...changes });
  if (next === location.hash) return;
  if (step) location.hash = next;
  else location.replace(next);
}

// ---- scores and defects of a cell

let offsets; // of each question's turns, before samples

function turnsOf(side, language, question) {
  const cell = index.cells[view[side]], turns = index.questions[question].turns;
  const scores = cell.scores[language], defects = cell.defects[language];
  if (scores === null) return [];
  const at = offsets[question] * cell.samples + view[`${side}n`] * turns;
  return Array.from({ length: turns }, (_, turn) => ({ score: scores[at + turn], defects: defects[at + turn] }));
}

const mean = (numbers) => (numbers.length ? numbers.reduce((sum, one) => sum + one, 0) / numbers.length : null);
const shown = (number) => (number === null ? "–" : number.toFixed(Number.isInteger(number) ? 0 : 1));
const defectsIn = (bits) => index.defects.filter((_, place) => bits & (1 << place));

function summary(language, question) {
  const [a, b] = ["a", "b"].map((side) => turnsOf(side, language, question));
  const rated = [a, b].map((turns) => turns.map((turn) => turn.score).filter((score) => score > 0));
  const means = rated.map(mean);
  return {
    language, question, means,
    lowest: Math.min(...rated.flat()), // Infinity where there is none
    difference: means.includes(null) ? null : means[0] - means[1],
    bits: [...a, ...b].reduce((bits, turn) => bits | turn.defects, 0),
  };
}

const ORDERS = {
  order: ["the benchmark’s", () => 0],
  lowest: ["lowest score first", (one, two) => one.lowest - two.lowest],
  difference: ["largest difference first", (one, two) => apart(two) - apart(one)],
  a: ["A ahead of B", (one, two) => (two.difference ?? -99) - (one.difference ?? -99)],
  b: ["B ahead of A", (one, two) => (one.difference ?? 99) - (two.difference ?? 99)],
};
const apart = (one) => (one.difference === null ? -1 : Math.abs(one.difference));

function findMatches() {
  const bit = 1 << index.defects.findIndex(([name]) => name === view.defect);
  const most = view.most === "" ? Infinity : Number(view.most), differ = view.differ === "" ? -1 : Number(view.differ);
  const found = [];
  index.languages.forEach((language, l) => {
    if (view.in && language.code !== view.in) return;
    index.questions.forEach((question, q) => {
      if ((view.category && question.category !== view.category) || !language.labels[q]) return;
      const row = summary(l, q);
      if (view.defect && !(row.bits & bit)) return;
      if (view.most !== "" && !(row.lowest <= most)) return;
      if (view.differ !== "" && !(apart(row) >= differ)) return;
      found.push(row);
    });
  });
  const [, compare] = ORDERS[view.sort];
  return found.sort((one, two) => compare(one, two) || 0); // Infinity - Infinity
}

// ---- drawing

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const armOf = (cell) => JSON.stringify([cell.model, cell.dataset, cell.arm]);
const drawName = (cell) => (cell.draw ? `, draw ${cell.draw}` : "");
const seedName = (cell) => (cell.seed === null ? "–" : `${cell.seed}${drawName(cell)}`);

function armName(cell) {
  const several = new Set(index.cells.filter((one) => one.dataset !== null).map((one) => JSON.stringify([one.model, one.dataset]))).size > 1;
  return several ? [cell.arm, cell.model, cell.dataset].filter((part) => part !== null).join(" · ") : cell.arm;
}

function options(select, rows, value) {
  select.replaceChildren(...rows.map(([name, text]) => make("option", { value: name }, text)));
  select.value = value;
  select.disabled = rows.length < 2;
}

function drawControls() {
  for (const side of ["a", "b"]) {
    const cell = index.cells[view[side]], arms = new Map(index.cells.map((one) => [armOf(one), armName(one)]));
    options($(`${side}-arm`), [...arms], armOf(cell));
    const seeds = index.cells.filter((one) => armOf(one) === armOf(cell));
    options($(`${side}-cell`), seeds.map((one) => [one.cell, seedName(one)]), cell.cell);
    $(`${side}-sample`).parentElement.hidden = cell.samples < 2;
    options($(`${side}-sample`), Array.from({ length: cell.samples }, (_, n) => [String(n), String(n + 1)]), String(view[`${side}n`]));
    $(`${side}-facts`).textContent = view.language === null ? "" : facts(cell, view.language);
  }
  for (const name of ["in", "category", "defect", "most", "differ", "sort"]) $(name).value = view[name];
}

function facts(cell, language) {
  const scores = cell.scores[language], defects = cell.defects[language], name = index.languages[language].name;
  if (scores === null) return `Not asked in ${name}.`;
  const average = mean(scores.filter((score) => score > 0));
  const parts = [`${name}: mean ${average === null ? "–" : average.toFixed(2)}`];
  const has = (place) => defects.filter((bits) => bits & (1 << place)).length;
  const answered = defects.length - has(index.defects.findIndex(([name]) => name === "no-answer"));
  index.defects.forEach(([name, text], place) => {
    const of = name.startsWith("no-") ? defects.length : answered; // the others are an answer's, as in the report
    if (has(place)) parts.push(`${percent(has(place), of)} ${text}`);
  });
  return parts.join(" · ");
}

function percent(count, of) {
  const value = (100 * count) / of;
  return value < 0.1 ? "under 0.1%" : `${value.toFixed(value < 10 ? 1 : 0)}%`;
}

const isShown = (row) => row.language === view.language && row.question === view.question;

function drawList() {
  const whole = index.languages.reduce((sum, language) => sum + language.labels.filter(Boolean).length, 0);
  $("count").textContent = matches.length ? `${matches.length} of ${whole} match` : `None of ${whole} matches`;
  const at = Math.max(0, matches.findIndex(isShown));
  $("list").replaceChildren(...matches.map((row, place) => make("li", {}, drawMatch(row, place === at))));
  const current = $("list").querySelector("[aria-current]");
  if (current) keepInView(current);
}

// Of the list alone: the page stays where it is.
function keepInView(link) {
  const list = $("list"), top = link.parentElement.offsetTop - list.offsetTop, bottom = top + link.offsetHeight;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
}

function drawMatch(row, first) {
  const language = index.languages[row.language], question = index.questions[row.question];
  const href = fragment({ language: row.language, question: row.question, turn: "", side: "" });
  return make("a", { href, tabindex: first ? 0 : -1, "aria-current": isShown(row) ? "true" : null },
    make("span", { class: "id" }, `${question.id} `, make("span", { class: "small" }, language.code)),
    make("span", { class: "scores" }, make("span", { class: "a" }, shown(row.means[0])), " : ", make("span", { class: "b" }, shown(row.means[1]))),
    make("span", { class: "label", lang: language.code.toLowerCase(), dir: language.direction }, language.labels[row.question]));
}

async function drawShown() {
  const mine = ++drawn;
  $("shown").hidden = view.question === null || view.language === null;
  if ($("shown").hidden) return;
  const language = index.languages[view.language], question = index.questions[view.question];
  const at = matches.findIndex(isShown);
  $("title").textContent = `Question ${question.id}, ${question.category}, ${language.name}`;
  $("previous").setAttribute("aria-disabled", String(at === 0 || !matches.length));
  $("next").setAttribute("aria-disabled", String(at === matches.length - 1 || !matches.length));
  $("turns").setAttribute("aria-busy", "true");
  try {
    const asked = pieceOf(`questions-${language.code}`, view.question, index.part);
    const sides = ["a", "b"].map((side) => answerOf(side, language));
    const [texts, ...answers] = await Promise.all([asked, ...sides]);
    if (mine !== drawn) return;
    $("turns").replaceChildren(...texts[0].map((text, turn) => drawTurn(turn, text, texts, answers, language, question)));
    focusVerdict();
  } catch (error) {
    if (mine === drawn) $("turns").replaceChildren(make("p", { class: "note", role: "alert" }, error.message));
  } finally {
    if (mine === drawn) $("turns").removeAttribute("aria-busy");
  }
}

async function answerOf(side, language) {
  const cell = index.cells[view[side]];
  if (cell.scores[view.language] === null) return null;
  return (await pieceOf(`${view[side]}-${language.code}`, view.question, cell.part))[view[`${side}n`]];
}

function drawTurn(turn, text, [, published, native], answers, language, question) {
  const spoken = { lang: language.code.toLowerCase(), dir: language.direction };
  const used = new Set(["a", "b"].map((side) => index.cells[view[side]].reference));
  return make("section", { class: "turn", "aria-label": `Turn ${turn + 1}` },
    make("h3", {}, `Turn ${turn + 1}`),
    make("div", { class: "text question", ...spoken }, text),
    used.has("published") ? drawReference("Reference answer", published[turn], spoken, question.wrong) : null,
    used.has("native") ? drawReference("Native reference answer", native[turn], spoken, false) : null,
    make("div", { class: "pair" }, ...["a", "b"].map((side, place) => drawAnswer(side, turn, answers[place], language))));
}

function drawReference(name, text, spoken, wrong) {
  if (!text) return null;
  return make("details", { class: "reference" },
    make("summary", {}, name, wrong ? make("span", { class: "flag" }, "known to be wrong") : null),
    make("div", { class: "text", ...spoken }, text));
}

const ENDS = { eos: "ended by itself", stop: "stopped before it spoke for another", length: "cut at the length limit", read: "read from a file" };

function drawAnswer(side, turn, answer, language) {
  const cell = index.cells[view[side]], found = turnsOf(side, view.language, view.question)[turn];
  const name = `${armName(cell)}${cell.seed === null ? "" : `, seed ${seedName(cell)}`}`;
  const head = make("h4", {}, make("span", { class: "tag" }, side.toUpperCase()), ` ${name}`);
  const article = make("article", { class: `answer ${side}`, "aria-label": `${side.toUpperCase()}, turn ${turn + 1}: ${name}` }, head);
  if (!found) return article.append(make("p", { class: "small" }, `Not asked in ${language.name}.`)), article;
  const said = answer?.[1][turn];
  const [text, tokens, finish, other, verdict] = said ?? [];
  const flags = defectsIn(found.defects).map(([key, label]) =>
    make("span", { class: "flag" }, key === "other-language" ? `in ${nameOf(other)}` : label));
  if (flags.length) article.append(make("p", { class: "flags" }, ...flags));
  if (!said) {
    article.append(make("p", { class: "small" }, answer?.[0] ? `No answer: ${answer[0]}` : "No answer."));
  } else {
    article.append(
      make("div", { class: "text", lang: (other ?? language.code).toLowerCase(), dir: "auto" }, text),
      make("p", { class: "small" }, `${finish === "read" ? "" : `${tokens} tokens, `}${ENDS[finish] ?? finish}`));
  }
  article.append(drawVerdict(side, turn, verdict, cell));
  return article;
}

function drawVerdict(side, turn, verdict, cell) {
  const mark = view.side === side && view.turn === String(turn + 1);
  const block = make("div", { class: mark ? "verdict marked" : "verdict", id: `verdict-${side}-${turn + 1}`, tabindex: -1 });
  if (!verdict) return block.append(make("p", { class: "small" }, "No verdict.")), block;
  const [score, reason, prompt, fallback, text] = verdict;
  const rated = score === null ? make("b", {}, `no score: ${reason}`) : make("b", {}, `${score} of 10`);
  const detail = [`by ${cell.judge}`, prompt ? `prompt ${prompt}` : null, fallback].filter(Boolean).join(", ");
  block.append(
    make("p", {}, rated, ` ${detail} `, make("a", { href: fragment({ side, turn: String(turn + 1) }) }, `Link to this verdict`)),
    make("div", { class: "text", lang: "", dir: "auto" }, text));
  return block;
}

const nameOf = (code) => index.languages.find((one) => one.code === code)?.name ?? new Intl.DisplayNames("en", { type: "language", fallback: "code" }).of(code ?? "und");

function focusVerdict() {
  const target = view.side && $(`verdict-${view.side}-${view.turn}`);
  if (!target) return;
  target.scrollIntoView({ block: "center" });
  target.focus({ preventScroll: true });
}

function draw() {
  const { state, unknown } = read();
  view = state;
  matches = findMatches();
  if (view.question === null || view.language === null) {
    const first = matches[0];
    if (first) Object.assign(view, { language: first.language, question: first.question });
  }
  $("note").hidden = !unknown.length;
  $("note").textContent = `Not in this report: ${unknown.join(", ")}`;
  drawControls();
  drawList();
  return drawShown();
}

// ---- what people do

function changed(event) {
  const { id, value } = event.target;
  const side = id.startsWith("a-") ? "a" : id.startsWith("b-") ? "b" : null;
  if (id === "keys") return;
  if (side) return show(sideChange(side, id.slice(2), value));
  Object.assign(view, { [id]: value });
  matches = findMatches();
  const first = matches.some(isShown) ? null : matches[0];
  show({ [id]: value, ...(first ? { language: first.language, question: first.question } : {}) });
}

function sideChange(side, what, value) {
  if (what === "sample") return { [`${side}n`]: Number(value) };
  const mine = index.cells[view[side]];
  const same = index.cells.findIndex((cell) => (what === "cell" ? cell.cell === value : armOf(cell) === value && cell.seed === mine.seed && cell.draw === mine.draw));
  return { [side]: same >= 0 ? same : index.cells.findIndex((cell) => armOf(cell) === value), [`${side}n`]: 0 };
}

function step(by) {
  const at = matches.findIndex(isShown), next = matches[at < 0 ? 0 : at + by];
  if (next) show({ language: next.language, question: next.question }, { step: true });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const link = event.target.closest?.("#list a");
  const moves = { ArrowDown: (one) => one.nextElementSibling, ArrowUp: (one) => one.previousElementSibling, Home: (one) => one.parentElement.firstElementChild, End: (one) => one.parentElement.lastElementChild };
  if (link && moves[event.key]) {
    const to = moves[event.key](link.parentElement)?.firstElementChild;
    event.preventDefault();
    if (!to) return;
    for (const one of $("list").querySelectorAll("a")) one.tabIndex = one === to ? 0 : -1;
    return to.focus();
  }
  if (!$("keys").checked || event.target.closest?.("input:not([type=checkbox]), select, textarea")) return;
  if (event.key === "j") step(1);
  if (event.key === "k") step(-1);
}

function start(content) {
  index = content;
  offsets = [];
  index.questions.reduce((sum, question) => (offsets.push(sum), sum + question.turns), 0);
  options($("in"), [["", "all"], ...index.languages.map((one) => [one.code, one.name])], "");
  options($("category"), [["", "all"], ...[...new Set(index.questions.map((one) => one.category))].map((name) => [name, name])], "");
  options($("defect"), [["", "any"], ...index.defects], "");
  options($("sort"), Object.entries(ORDERS).map(([name, [text]]) => [name, text]), "order");
  $("controls").addEventListener("change", changed);
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("controls").addEventListener("reset", (event) => (event.preventDefault(), show({ ...DEFAULTS })));
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("skip").addEventListener("click", () => $("shown").focus());
  document.addEventListener("keydown", pressed);
  window.addEventListener("hashchange", draw);
  if (window.matchMedia("(max-width: 60rem)").matches) $("filters").open = false;
  $("browser").hidden = false;
  draw();
}
})();
