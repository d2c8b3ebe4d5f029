// The simulator's drawer: sends verbs, shows what card and PSAM say to each other. Only on a counter at virtual readers.
import { Refused, Wire, all, fill, find, listen, made, show } from "./wire.js";

const MOST_ROWS = 400;
const drawer = find("#simulator");
const log = find(".scroll", drawer);
const rows = find("tbody", drawer);
const wire = new Wire("");
let source = null;
let newest = 0;

// A verb as card/control/verbs.py reads it.
const value = (name) => find(`#simulator-${name}`).value.trim();
const named = () => `"${value("card")}"`;
const VERBS = {
  insert: () => `insert ${named()}`,
  eject: () => "eject",
  swap: () => `swap ${named()}`,
  reset: () => "reset-by-other",
  mute: () => `mute for ${value("mute")} s`,
  cut: () => `cut answer after ${value("cut")} bytes`,
  tear: () => `tear after-write ${value("tear")}`,
};

async function obey(verb) {
  notice("");
  wire.csrf = find('meta[name="csrf"]').content;
  try {
    renderStanding(await wire.post("/simulator/verb", { verb: VERBS[verb]() }));
  } catch (error) {
    notice(error instanceof Refused ? error.message : String(error));
  }
}

function notice(text) {
  const place = find("#simulator-notice");
  place.textContent = text;
  show(place, text);
}

function renderStanding({ name, is_in: isIn, line, ordered }) {
  find("#simulator-line").textContent = line;
  fill(find("#simulator-ordered"), ordered, (fault) => made("li", fault));
  for (const button of all("[data-verb]", drawer)) button.disabled = isIn === (button.dataset.verb === "insert");
  drawer.dataset.card = name;
}

function renderHeard(heard) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const one of heard) {
    if (one.number <= newest) continue;
    newest = one.number;
    const row = made("tr", "", { class: one.kind });
    row.append(made("td", one.at), made("td", one.speaker), said(one.asked, one.sent), said(one.said, one.got));
    rows.append(row);
  }
  while (rows.childElementCount > MOST_ROWS) rows.firstElementChild.remove();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function said(words, octets) {
  const cell = made("td", words);
  if (octets) cell.append(made("code", octets));
  return cell;
}

async function open() {
  const state = await wire.get("/simulator/state");
  fill(find("#simulator-card"), state.cards, (card) => {
    return made("option", `${card.holder} · ${card.profile} · ${card.state}`, { value: card.name });
  });
  find("#simulator-card").value = state.standing.name;
  newest = 0;
  rows.replaceChildren();
  source = listen("/simulator/events", {
    on: { standing: (event) => renderStanding(event.standing), heard: (event) => renderHeard(event.heard) },
    lost: () => {},
    refused: close,
  });
}

// Whoever locks the page or signs out leaves nothing in the drawer.
function close() {
  source?.close();
  source = null;
  rows.replaceChildren();
  unfold(false);
}

function unfold(isOpen) {
  show(find("#simulator-body"), isOpen);
  find("#simulator-open").setAttribute("aria-expanded", String(isOpen));
}

find("#simulator-open").addEventListener("click", async () => {
  if (source) return close();
  unfold(true);
  try {
    await open();
  } catch (error) {
    notice(error.message);
  }
});
for (const button of all("[data-verb]", drawer)) button.addEventListener("click", () => obey(button.dataset.verb));
find("#simulator-clear").addEventListener("click", () => rows.replaceChildren());
find("#simulator-bytes").addEventListener("change", (event) => drawer.classList.toggle("shows-bytes", event.target.checked));
for (const input of all('input[type="text"]', drawer)) {
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") find(`[data-verb="${input.id.replace("simulator-", "")}"]`, drawer).click();
  });
}
// The page's own keys stay the page's: only Escape and the function keys leave the drawer.
drawer.addEventListener("keydown", (event) => {
  if (!/^(Escape|F\d+)$/.test(event.key)) event.stopPropagation();
});
