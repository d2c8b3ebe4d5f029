// The kiosk: shows the newest state of the one holder who is there, and nothing once they are gone.
import { Entry, Keypad, put, showTyped } from "./keys.js";
import { Refused, Wire, all, fill, find, listen, made, show } from "./wire.js";

const AGAIN_MS = 2000;
const COLUMNS = ["at", "kind", "account", "self_paid", "pooled"];
const SERVICES = ["balance", "details", "change-pin"];
const words = Object.fromEntries(all("#words li").map((item) => [item.dataset.word, item.textContent]));
const language = document.documentElement.lang.slice(0, 2);
const wire = new Wire(find('meta[name="csrf"]').content);
let step = "";
let doing = "";
let queue = Promise.resolve();

const keypad = new Keypad(find("#keypad"), {
  digit: (digit) => entry.digit(digit),
  clear: () => entry.clear(),
  ok: () => entry.finish("ok"),
  cancel: () => entry.finish("cancel"),
});
const entry = new Entry(wire, "/kiosk", keypad, { render, refused });

// The state ------------------------------------------------------------------------------------------------

function render(next) {
  if (!entry.take(next)) return;
  if (next.language !== language) {
    location.replace("/kiosk");
    return;
  }
  document.body.className = `kiosk ${next.tone}`;
  put("#purpose", next.name ?? "");
  put("#line", next.line);
  put("#tries", next.tries);
  fill(find("#lines ul"), next.lines, (line) => made("li", line));
  put("#notice", "");
  showTyped(next);
  showBalances(next.balances);
  showDetails(next.details);
  for (const button of all("[data-may]")) show(button, next.may.includes(button.dataset.may));
  ask(next.warns);
  if (next.step !== step) find("[data-may]:not([hidden])")?.focus();
  step = next.step;
}

function showBalances(balances) {
  const list = find("#balances");
  show(list, balances);
  fill(list, balances ?? [], ({ says, yuan }) => {
    const line = made("div");
    line.append(made("dt", says), made("dd", `${yuan} ${list.dataset.yuan}`));
    return line;
  });
}

function showDetails(details) {
  show(find("#details"), details?.length);
  show(find("#no-details"), details && !details.length);
  fill(find("#details tbody"), details ?? [], (line) => {
    const row = made("tr");
    row.append(...COLUMNS.map((name) => made("td", line[name])));
    return row;
  });
}

function ask(warns) {
  const dialog = find("#still");
  if (warns && !dialog.open) dialog.showModal();
  else if (!warns && dialog.open) dialog.close();
}

// What is done ---------------------------------------------------------------------------------------------

// One after the other; the same thing twice in a row, before it is answered, is one thing.
function act(what, body = {}) {
  const asked = JSON.stringify([what, body]);
  if (asked === doing) return;
  doing = asked;
  queue = queue.then(async () => {
    try {
      render(await wire.post(`/kiosk/${what}`, { number: entry.state.number, ...body }));
    } catch (error) {
      refused(error);
    } finally {
      if (doing === asked) doing = "";
    }
  });
}

async function refused(error) {
  if (error instanceof Refused && error.status === 401) {
    anew();
    return;
  }
  lost(!(error instanceof Refused));
  try {
    const now = await wire.get("/kiosk/state");
    entry.forget();
    render(now);
    if (error instanceof Refused) put("#notice", error.message);
  } catch {
    lost(true);
  }
}

function lost(isLost) {
  if (isLost) put("#notice", words["page.line-lost-here"]);
  else if (find("#notice").textContent === words["page.line-lost-here"]) put("#notice", "");
}

// The server has begun anew, or another page has taken this one's place.
function anew() {
  setTimeout(() => location.replace("/kiosk"), AGAIN_MS);
}

for (const button of all("[data-may]")) {
  const what = button.dataset.may;
  button.addEventListener("click", () => (SERVICES.includes(what) ? act("ask", { purpose: what }) : act(what)));
}
find("#still").addEventListener("close", () => entry.state?.warns && act("stay"));
document.addEventListener("keydown", (event) => {
  if (event.repeat || find("dialog[open]") || !find("#keypad").hidden) return;
  if (event.key === "Enter" && event.target.closest("button, a")) return;
  const button = find(`[data-press="${CSS.escape(event.key)}"]:not([hidden])`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
addEventListener("pageshow", (event) => event.persisted && location.replace("/kiosk"));
listen("/kiosk/events", { on: { state: render, pad: render, kiosk: render }, lost, refused: anew });
