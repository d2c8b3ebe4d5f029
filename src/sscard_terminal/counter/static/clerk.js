// The clerk's page: shows the newest state, and sends what is done together with the number of the state it was done on.
// Nothing is decided here: what may be done stands in `state.may`, every word comes from the server.
import { Refused, Wire, all, fill, find, listen, made, show } from "./wire.js";

const wire = new Wire(find('meta[name="csrf"]').content);
const words = Object.fromEntries(all("#words li").map((item) => [item.dataset.word, item.textContent]));
const STILL_IN_MS = 4000;
const TWICE_MS = 600;
const SERVICES = { F4: "change-pin", F5: "details", F6: "balance" };
let state = null;
let pad = null;
let source = null;
let isSelling = false;
let isBusy = false;
let sentOn = 0;
let underway = null;
let reminder = 0;
let lastEscape = 0;

// The state ------------------------------------------------------------------------------------------------

function render(next) {
  if (state && next.number < state.number) return;
  const changed = !state || next.step !== state.step;
  state = next;
  find(".state").className = `state ${next.tone}`;
  put("#line", next.line);
  fill(find("#lines"), next.lines, (line) => made("li", line));
  fill(find("#technical-lines ul"), next.technical, (line) => made("li", line));
  show(find("#technical-lines"), next.technical.length > 0);
  if (changed) notice("");
  if (changed || !next.may.includes("sell")) endSale();
  renderPanel(next.panel, next.card_is_in);
  renderAmounts(next);
  renderDetails(next.details);
  renderPaper(next.paper);
  renderBooks(next);
  renderButtons(next);
  if (changed && !document.activeElement.closest("#simulator")) focusOn(next);
  remind(next);
}

function put(selector, text) {
  const element = find(selector);
  if (element.textContent !== text) element.textContent = text;
}

function renderPanel(panel, cardIsIn) {
  show(find("#panel"), panel);
  show(find("#no-card"), !panel && !cardIsIn);
  for (const item of all("[data-panel]")) item.textContent = panel?.[item.dataset.panel] ?? "";
}

function renderAmounts({ amounts, balances }) {
  show(find("#amounts"), amounts);
  for (const item of all("[data-amount]")) item.textContent = amounts?.[item.dataset.amount] ?? "";
  show(find("#balances"), balances);
  for (const item of all("[data-balance]")) item.textContent = balances?.[item.dataset.balance] ?? "";
}

function renderDetails(details) {
  show(find("#details"), details);
  show(find("#no-details"), details?.length === 0);
  show(find("#details .scroll"), details?.length > 0);
  fill(find("#details tbody"), details ?? [], (line) => {
    const row = made("tr");
    if (line.is_difference) row.className = "differs";
    for (const name of ["at", "account", "self_paid", "pooled", "voucher", "says"]) row.append(made("td", line[name] ?? ""));
    for (const name of ["terminal", "counter"]) row.append(made("td", line[name], { class: "technical" }));
    return row;
  });
}

function renderPaper(paper) {
  show(find("#paper"), paper);
  put("#paper pre", paper?.text ?? "");
  put("#paper-says", paper?.says ?? "");
}

function renderBooks({ books, hotlist }) {
  put("#day-fact", books.day);
  put("#uploads", books.uploads);
  put("#hotlist", hotlist.says);
  find("#hotlist").className = hotlist.is_current ? "" : "old";
  fill(find("#open-sales"), books.open_sales, (sale) => made("li", sale.says));
}

function renderButtons({ may, step }) {
  for (const button of all("[data-do]")) show(button, may.includes(button.dataset.do) && !isSelling);
  show(find("#services"), may.includes("sell") && step === "ready" && !isSelling);
  show(find("#again-hint"), may.includes("sell-again") && !isSelling);
  const word = { "rest-in-cash": "cash", done: "next", refused: "next" }[step] || "confirm";
  for (const span of all('[data-do="confirm"] [data-word]')) show(span, span.dataset.word === word);
  const needs = { F2: "read", F3: "sell", ...SERVICES };
  for (const button of all("nav [data-key]")) {
    const need = needs[button.dataset.key];
    button.disabled = Boolean(need) && !may.includes(need);
  }
}

function focusOn({ step }) {
  if (find("dialog[open]")) return;
  const button = { "confirm-amount": "confirm", "rest-in-cash": "confirm", done: "confirm", refused: "confirm", "enter-pin": "ask-pad" }[step];
  const target = step === "ready" ? find("[data-press]") : button && find(`[data-do="${button}"]:not([hidden])`);
  if (target) target.focus();
  else if (document.activeElement === document.body || !document.activeElement.checkVisibility()) find("#work").focus();
}

function renderPad(next) {
  pad = next;
  put("#pad", next.says);
  put("#dots", "●".repeat(next.digits));
  if (next.is_paired && find("#pairing").open) find("#pairing").close();
}

// A card that is still in after its service: a beep and a word (counter.md screen rule 12).
function remind({ step, card_is_in: isIn }) {
  clearInterval(reminder);
  if (step !== "done" || !isIn) return;
  reminder = setInterval(() => {
    notice(words["card.still-in"]);
    beep();
  }, STILL_IN_MS);
}

function beep() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  tone.frequency.value = 880;
  tone.connect(context.destination);
  tone.onended = () => context.close();
  tone.start();
  tone.stop(context.currentTime + 0.2);
}

// What is done ---------------------------------------------------------------------------------------------

// One at a time. What is done on the screen another action was sent from is a second click, and dropped; what is done on the
// screen that came of it waits until that action has its answer.
async function act(what, body = {}) {
  const since = state;
  if (isBusy && since?.number !== sentOn) await underway;
  if (isBusy || !since) return;
  isBusy = true;
  sentOn = since.number;
  underway = sent(what, { number: since.number, ...body });
  await underway;
}

async function sent(what, body) {
  notice("");
  try {
    const next = await wire.post(`/clerk/${what}`, body);
    if (what === "sell") endSale();
    render(next);
    if (what === "sell") focusOn(next);
  } catch (error) {
    tell(error, notice);
  } finally {
    isBusy = false;
  }
}

function notice(text) {
  put("#notice", text);
  show(find("#notice"), text);
}

function tell(error, say) {
  if (!(error instanceof Refused)) {
    lost(true);
    return;
  }
  if (error.answer.error === "no-session") location.reload();
  else if (error.status === 401) sessionAnew();
  else say(error.message);
}

function lost(isLost) {
  if (isLost) notice(words["page.line-lost"]);
  else if (find("#notice").textContent === words["page.line-lost"]) notice("");
}

// The sale's form ------------------------------------------------------------------------------------------

const sale = find("#sale");

function beginSale(typed = "") {
  if (!state?.may.includes("sell")) return;
  isSelling = true;
  sale.reset();
  notice("");
  renderSale();
  renderButtons(state);
  const first = saleWay() === "total" ? sale.total : sale.account;
  first.value = typed;
  first.focus();
}

function endSale() {
  isSelling = false;
  renderSale();
}

function renderSale() {
  show(sale, isSelling);
  for (const line of all("[data-way]", sale)) show(line, line.dataset.way === saleWay());
}

const saleWay = () => sale.elements.way.value;

sale.addEventListener("change", renderSale);
sale.addEventListener("submit", (event) => {
  event.preventDefault();
  const { total, account, self_paid: own, pooled } = sale.elements;
  const amounts = saleWay() === "total" ? { total: total.value } : { account: account.value };
  const typed = { ...amounts, self_paid: own.value, pooled: pooled.value };
  if (Object.values(typed).some((text) => text.length > 64)) typed.total = "?";
  act("sell", typed);
});
find("[data-cancel-sale]").addEventListener("click", () => {
  endSale();
  renderButtons(state);
  find("[data-press]").focus();
});

// Dialogs --------------------------------------------------------------------------------------------------

function open(id, focus) {
  const dialog = find(`#${id}`);
  if (find("#sign").open) return null;
  for (const other of all("dialog[open]")) other.close();
  for (const form of all("form", dialog)) form.reset();
  for (const alert of all(".alert", dialog)) show(alert, false);
  dialog.showModal();
  if (focus) find(focus, dialog)?.focus();
  return dialog;
}

// A form in a dialog: sent once, its refusal shown in it.
function onSubmit(id, send) {
  const form = find(`#${id} form`);
  const alert = find('[role="alert"]', form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(alert, false);
    const button = find("button.main", form);
    const focused = document.activeElement;
    button.disabled = true; // which takes the focus from it
    try {
      await send(Object.fromEntries(new FormData(form)), form);
    } catch (error) {
      tell(error, (text) => {
        alert.textContent = text;
        show(alert, true);
      });
    } finally {
      button.disabled = false;
      if (document.activeElement === document.body) focused.focus();
    }
  });
}

for (const button of all("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());

onSubmit("reprint", async ({ voucher }) => {
  await wire.post("/clerk/reprint", { voucher });
  find("#reprint").close();
});

let codeEnds = 0;
async function pairing() {
  const { code, lasts_s: lasts } = await wire.post("/clerk/pad-code");
  const dialog = open("pairing");
  if (dialog) find("#code").textContent = code;
  clearTimeout(codeEnds);
  codeEnds = setTimeout(() => put("#code", words["pair.over"]), lasts * 1000);
  show(find("#unpair"), pad?.is_paired);
}
find("#unpair").addEventListener("click", async () => {
  renderPad(await wire.post("/clerk/unpair"));
  find("#pairing").close();
});

function back() {
  show(find("#found"), false);
  show(find("#way-back"), false);
  find("#back .says").textContent = "";
  open("back", "#back-voucher");
}
let wayBack = "";
let foundVoucher = "";
async function findSale() {
  const alert = find('#back [role="alert"]');
  show(alert, false);
  try {
    const found = await wire.get(`/clerk/sale?voucher=${encodeURIComponent(find("#back-voucher").value)}`);
    wayBack = found.way;
    foundVoucher = String(found.voucher);
    for (const item of all("[data-found]")) item.textContent = found[item.dataset.found];
    for (const item of all("[data-back]")) show(item, item.dataset.back === wayBack);
    show(find("#found"), true);
    show(find("#way-back"), true);
    find("#way-back button.main").focus();
  } catch (error) {
    show(find("#way-back"), false);
    tell(error, (text) => {
      alert.textContent = text;
      show(alert, true);
    });
  }
}
find("#find").addEventListener("click", findSale);
find("#back-voucher").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  findSale();
});
onSubmit("back", async ({ amount, again, supervisor, password }) => {
  const asked = { voucher: foundVoucher, supervisor, password, again: again === "on" };
  const given = await wire.post(`/clerk/${wayBack}`, wayBack === "refund" ? { ...asked, amount } : asked);
  find("#back .says").textContent = given.says;
  show(find("#way-back"), false);
  find("#back [data-close]").focus();
});

async function theDay() {
  renderDay(await wire.get("/clerk/day"));
  open("day", "button.main");
}
let dayIsOpen = false;
function renderDay(day) {
  dayIsOpen = day.is_open;
  fill(find("#day-says"), day.says, (line) => made("li", line));
  show(find("#sums"), day.sums.length > 0);
  const columns = ["operator", "kind", "state", "count", "account", "self_paid", "pooled"];
  fill(find("#sums tbody"), day.sums, (row) => {
    const line = made("tr");
    line.append(...columns.map((name) => made("td", row[name])));
    return line;
  });
  fill(find("#hours"), day.hours, (hour) => bar(hour.hour, hour.share, `${hour.count} · ${hour.paid}`));
  fill(find("#kinds"), day.kinds, (kind) => bar(kind.kind, kind.share, String(kind.count)));
  for (const part of all("[data-picture]")) show(part, find("li", part));
  for (const item of all("[data-day]")) show(item, (item.dataset.day === "close") === day.is_open);
  show(find("#despite-field"), day.is_open && state?.books.open_sales.length > 0);
  show(find("#clock-field"), false);
}
function bar(label, share, text) {
  const item = made("li");
  item.append(made("span", label), made("meter", "", { min: 0, max: 100, value: share, "aria-label": label }), made("span", text));
  return item;
}
onSubmit("day", async ({ despite, clock_is_right: clock, supervisor, password }, form) => {
  const asked = { clock_is_right: clock === "on", supervisor, password };
  try {
    renderDay(await wire.post(dayIsOpen ? "/clerk/day/close" : "/clerk/day/open", dayIsOpen ? { ...asked, despite } : asked));
  } catch (error) {
    const why = error instanceof Refused ? error.answer.error : "";
    if (why.startsWith("declined.clock-")) show(find("#clock-field"), true);
    if (why === "declined.day-has-open-sales") show(find("#despite-field"), true);
    throw error;
  }
  form.reset();
});

async function settings() {
  const { settings: rows, reader } = await wire.get("/clerk/settings");
  put("#reader", reader);
  fill(find("#settings tbody"), rows, ({ key, name, value }) => {
    const row = made("tr");
    row.append(made("td", name, { title: key }), made("td", value));
    return row;
  });
  open("settings");
}

// Who is here ----------------------------------------------------------------------------------------------

async function sessionAnew() {
  source?.close();
  try {
    renderSession(await wire.get("/clerk/session"));
  } catch (error) {
    if (error instanceof Refused) location.reload();
    else setTimeout(sessionAnew, 1000);
  }
}

function renderSession(session) {
  wire.csrf = session.csrf;
  find('meta[name="csrf"]').content = session.csrf;
  put("#operator", session.operator ? `${session.operator} ${session.name}` : "");
  show(find("#lock"), session.operator);
  show(find("#sign-out"), session.operator);
  for (const box of all("[data-supervisor]")) show(box, session.needs_sign_in && !session.is_supervisor);
  if (session.may_see) {
    if (find("#sign").open) find("#sign").close();
    source?.close();
    state = null;
    source = listen("/clerk/events", { on: { state: render, pad: renderPad }, lost, refused: sessionAnew });
    return;
  }
  state = null;
  blank();
  const ended = words[`sign.${session.ended}`] || "";
  put("#ended", ended);
  show(find("#ended"), ended);
  for (const span of all("[data-sign]")) show(span, (span.dataset.sign === "locked") === session.is_locked);
  const dialog = find("#sign");
  if (!dialog.open) {
    open("sign");
    find("#sign-operator").value = session.operator || "";
    find(session.operator ? "#sign-password" : "#sign-operator").focus();
  }
}

// Nothing of a customer stays behind a sign-in.
function blank() {
  put("#line", "");
  for (const list of ["#lines", "#technical-lines ul", "#open-sales"]) find(list).replaceChildren();
  renderPanel(null);
  renderAmounts({});
  renderDetails(null);
  renderPaper(null);
  for (const part of ["#services", "#technical-lines", "#sale"]) show(find(part), false);
  clearInterval(reminder);
}

onSubmit("sign", async ({ operator, password }, form) => {
  const session = await wire.post("/clerk/sign-in", { operator, password });
  form.reset();
  renderSession(session);
});
find("#sign").addEventListener("cancel", (event) => event.preventDefault());
const leave = async (way) => renderSession(await wire.post(`/clerk/${way}`));
find("#lock").addEventListener("click", () => leave("lock"));
find("#sign-out").addEventListener("click", () => leave("sign-out"));
find("#language").addEventListener("click", async () => {
  await wire.post("/clerk/language", { language: document.documentElement.lang === "en" ? "zh" : "en" });
  location.reload();
});

// Keys -----------------------------------------------------------------------------------------------------

const KEYS = {
  F1: () => open("help"),
  F2: () => act("read"),
  F3: () => beginSale(),
  F4: () => act("ask", { purpose: SERVICES.F4 }),
  F5: () => act("ask", { purpose: SERVICES.F5 }),
  F6: () => act("ask", { purpose: SERVICES.F6 }),
  F7: pairing,
  F8: () => open("reprint", "#reprint-voucher"),
  F9: back,
  F10: theDay,
};

async function press(key) {
  const needs = find(`nav [data-key="${key}"]`);
  if (find("#sign").open || needs.disabled) return;
  try {
    await KEYS[key]();
  } catch (error) {
    tell(error, notice);
  }
}

function escape() {
  const isTwice = Date.now() - lastEscape < TWICE_MS;
  lastEscape = Date.now();
  if (isTwice && !find("#lock").hidden && !find("#sign").open) leave("lock");
  else if (find("dialog[open]")) return;
  else if (isSelling) find("[data-cancel-sale]").click();
  else if (state?.may.includes("cancel")) act("cancel");
}

document.addEventListener("keydown", (event) => {
  if (event.key in KEYS && !event.altKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    if (!event.repeat) press(event.key);
  } else if (event.key === "Escape") {
    if (!event.repeat) escape();
  } else if (!event.repeat && !find("dialog[open]") && !event.target.closest("input, a, label")) {
    if (event.key === "Enter" && !event.target.closest("button, summary")) {
      const step = find(".buttons [data-do].main:not([hidden])");
      if (step) step.click();
    } else if (/^[0-9０-９]$/.test(event.key) && !isSelling) {
      event.preventDefault();
      beginSale(event.key);
    }
  }
});
for (const button of all("nav [data-key]")) button.addEventListener("click", () => press(button.dataset.key));
for (const button of all("[data-press]")) button.addEventListener("click", () => press(button.dataset.press));
for (const button of all("[data-do]")) button.addEventListener("click", () => act(button.dataset.do));
find('[data-open="settings"]').addEventListener("click", () => settings().catch((error) => tell(error, notice)));
find("#technical").addEventListener("change", (event) => find("#details").classList.toggle("shows-technical", event.target.checked));
addEventListener("pageshow", (event) => event.persisted && sessionAnew());
sessionAnew();
