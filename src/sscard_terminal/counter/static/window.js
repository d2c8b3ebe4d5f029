// The service window's page: shows the newest state, and sends what is done with the number of the state it was done on.
// Nothing is decided here: what may be done stands in `state.may`, every word comes from the server.
import { Refused, Wire, all, fill, find, listen, made, show } from "./wire.js";

const wire = new Wire(find('meta[name="csrf"]').content);
const words = Object.fromEntries(all("#words li").map((item) => [item.dataset.word, item.textContent]));
const TWICE_MS = 600;
const NEEDS = { F2: "read", F3: "load", F4: "pin-reset", F5: "settle", F6: "refunds", F8: "unblock", F10: "in-full" };
let state = null;
let pad = null;
let source = null;
let doing = "";
let lastEscape = 0;

// The state ------------------------------------------------------------------------------------------------

function render(next) {
  if (state && next.number < state.number) return;
  const changed = !state || next.step !== state.step;
  state = next;
  find(".state").className = `state ${next.tone}`;
  put("#line", next.line);
  fill(find("#lines"), next.lines, (line) => made("li", line));
  if (changed) {
    notice("");
    endLoad();
  }
  if (!next.may.includes("in-full")) forgetFull();
  renderPanel(next.panel);
  fill(find("#waiting"), next.waiting ?? [], (line) => made("li", line));
  show(find("#none-waiting"), next.panel && next.waiting?.length === 0);
  put("#to-load", next.load ?? "");
  show(find("#amount"), next.load);
  renderPaper(next.paper);
  renderButtons(next);
  if (changed) focusOn();
}

function put(selector, text) {
  const element = find(selector);
  if (element.textContent !== text) element.textContent = text;
}

function renderPanel(panel) {
  show(find("#panel"), panel);
  show(find("#no-card"), !panel);
  for (const item of all("[data-panel]")) item.textContent = panel?.[item.dataset.panel] ?? "";
}

function renderPaper(paper) {
  show(find("#paper"), paper);
  put("#paper pre", paper?.text ?? "");
  put("#paper-says", paper?.says ?? "");
}

function renderButtons({ may, step }) {
  const isLoading = !find("#load").hidden;
  for (const button of all("[data-do]")) show(button, may.includes(button.dataset.do) && !isLoading);
  const word = step === "confirm-amount" ? "confirm" : "next";
  for (const span of all('[data-do="confirm"] [data-word]')) show(span, span.dataset.word === word);
  for (const button of all("nav [data-key]")) {
    const need = NEEDS[button.dataset.key];
    button.disabled = Boolean(need) && !may.includes(need);
  }
}

function focusOn() {
  if (find("dialog[open]")) return;
  const target = find(".buttons [data-do].main:not([hidden])");
  if (target) target.focus();
  else if (document.activeElement === document.body || document.activeElement?.hidden) find("#work").focus();
}

function renderPad(next) {
  pad = next;
  put("#pad", next.says);
  put("#dots", "●".repeat(next.digits));
  if (next.is_paired && find("#pairing").open) find("#pairing").close();
}

function notice(text) {
  put("#notice", text);
  show(find("#notice"), text);
}

function lost(isLost) {
  if (isLost) notice(words["page.line-lost"]);
  else if (find("#notice").textContent === words["page.line-lost"]) notice("");
}

// What is done ---------------------------------------------------------------------------------------------

// The same thing twice, before it is answered, is one thing.
async function act(path, body = {}) {
  if (doing === path || !state) return;
  doing = path;
  notice("");
  try {
    const next = await wire.post(path, { number: state.number, ...body });
    if (path.startsWith("/window")) render(next);
  } catch (error) {
    tell(error, notice);
  } finally {
    doing = "";
  }
}

function tell(error, say) {
  if (!(error instanceof Refused)) lost(true);
  else if (error.answer.error === "no-session") location.reload();
  else if (error.status === 401) sessionAnew();
  else say(error.message);
}

const load = find("#load");

function beginLoad() {
  load.reset();
  show(load, true);
  renderButtons(state);
  load.amount.focus();
}

function endLoad() {
  show(load, false);
  if (state) renderButtons(state);
}

load.addEventListener("submit", (event) => {
  event.preventDefault();
  act("/window/ask", { purpose: "load", amount: load.amount.value.slice(0, 64) });
});
find("#cancel-load").addEventListener("click", () => {
  endLoad();
  find("#work").focus();
});

// Dialogs --------------------------------------------------------------------------------------------------

function open(id, focus = "input, button") {
  const dialog = find(`#${id}`);
  if (find("#sign").open) return;
  for (const other of all("dialog[open]")) other.close();
  for (const form of all("form", dialog)) form.reset();
  for (const alert of all(".alert", dialog)) show(alert, false);
  for (const says of all(".says", dialog)) says.textContent = "";
  dialog.showModal();
  find(focus, dialog)?.focus();
}

// A form in a dialog: sent once, its refusal shown in it.
function onSubmit(id, send) {
  const form = find(`#${id} form`);
  const alert = find('[role="alert"]', form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(alert, false);
    const button = event.submitter ?? find("button.main", form);
    const focused = document.activeElement;
    button.disabled = true; // which takes the focus from it
    try {
      await send(Object.fromEntries(new FormData(form)), form, button.value);
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

const sightedBy = ({ sighted, sighted_by: name = "" }) => ({ sighted: sighted === "on", sighted_by: name });

for (const purpose of ["pin-reset", "unblock"]) {
  onSubmit(purpose, async (typed) => {
    const next = await wire.post("/window/ask", { number: state.number, purpose, ...sightedBy(typed) });
    find(`#${purpose}`).close();
    render(next);
  });
}
onSubmit("loss", async (typed, form, change) => {
  const said = await wire.post("/window/loss", { holder: typed.holder.slice(0, 64), change: change || "reported", ...sightedBy(typed) });
  form.reset();
  find("#loss .says").textContent = said.says;
  find("#loss [data-close]").focus();
});
onSubmit("in-full", async ({ supervisor = "", password = "" }, form) => {
  const full = await wire.post("/window/in-full", { number: state.number, supervisor, password });
  form.reset();
  for (const item of all("[data-full]")) item.textContent = full[item.dataset.full];
  show(find("#full"), true);
  find("#in-full [data-close]").focus();
});

function forgetFull() {
  for (const item of all("[data-full]")) item.textContent = "";
  show(find("#full"), false);
  if (find("#in-full").open) find("#in-full").close();
}
find("#in-full").addEventListener("close", forgetFull);

let codeEnds = 0;
async function pairing() {
  const { code, lasts_s: lasts } = await wire.post("/clerk/pad-code");
  open("pairing", "form button:last-child");
  find("#code").textContent = code;
  clearTimeout(codeEnds);
  codeEnds = setTimeout(() => (find("#code").textContent = words["pair.over"]), lasts * 1000);
  show(find("#unpair"), pad?.is_paired);
}
find("#unpair").addEventListener("click", async () => {
  renderPad(await wire.post("/clerk/unpair"));
  find("#pairing").close();
});

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
  put("#operator", session.operator ? `${session.operator} ${session.name}` : "");
  show(find("#lock"), session.operator);
  show(find("#sign-out"), session.operator);
  for (const box of all("[data-supervisor]")) show(box, session.needs_sign_in && !session.is_supervisor);
  state = null;
  if (session.may_see) {
    if (find("#sign").open) find("#sign").close();
    source?.close();
    source = listen("/window/events", { on: { state: render, pad: renderPad }, lost, refused: sessionAnew });
    return;
  }
  blank();
  const ended = words[`sign.${session.ended}`] || "";
  put("#ended", ended);
  show(find("#ended"), ended);
  for (const span of all("[data-sign]")) show(span, (span.dataset.sign === "locked") === session.is_locked);
  if (!find("#sign").open) {
    open("sign");
    find("#sign-operator").value = session.operator || "";
    find(session.operator ? "#sign-password" : "#sign-operator").focus();
  }
}

// Nothing of a holder stays behind a sign-in.
function blank() {
  put("#line", "");
  for (const list of ["#lines", "#waiting"]) find(list).replaceChildren();
  renderPanel(null);
  renderPaper(null);
  forgetFull();
  endLoad();
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

const ask = (purpose) => act("/window/ask", { purpose });
const KEYS = {
  F1: () => open("help", "button"),
  F2: () => act("/clerk/read"),
  F3: beginLoad,
  F4: () => open("pin-reset"),
  F5: () => ask("settle"),
  F6: () => ask("refunds"),
  F7: pairing,
  F8: () => open("unblock"),
  F9: () => open("loss"),
  F10: () => open("in-full", "input:not([hidden]), button.main"),
};

async function press(key) {
  if (find("#sign").open || find(`nav [data-key="${key}"]`).disabled) return;
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
  else if (!load.hidden) find("#cancel-load").click();
  else if (state?.may.includes("cancel")) act("/clerk/cancel");
}

document.addEventListener("keydown", (event) => {
  if (event.key in KEYS && !event.altKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    if (!event.repeat) press(event.key);
  } else if (event.key === "Escape") {
    if (!event.repeat) escape();
  } else if (event.key === "Enter" && !event.repeat && !find("dialog[open]") && !event.target.closest("input, button, a, label")) {
    find(".buttons [data-do].main:not([hidden])")?.click();
  }
});
for (const button of all("nav [data-key]")) button.addEventListener("click", () => press(button.dataset.key));
for (const button of all("[data-do]")) button.addEventListener("click", () => act(`/clerk/${button.dataset.do}`));
addEventListener("pageshow", (event) => event.persisted && sessionAnew());
sessionAnew();
