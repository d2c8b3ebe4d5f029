"""What a card must have become: a model of dictionaries and sums that imports nothing and shares no code with the card.

Not here: bytes of any memory. A state is a dict; a verdict is the states a command passes through, each durable before
the next, and what it answers. Source: card.md §3, §4.3–4.7, §5.4; reliability.md, "The law".
"""

State = dict
Verdict = tuple


def verify(card: State, pin: str) -> Verdict:
    if card["tries"] == 0:
        return [], "6983"
    counted = {**card, "tries": card["tries"] - 1}
    if pin != card["pin"]:
        return [counted], f"63C{counted['tries']}"
    return [counted, {**card, "tries": 3}], "9000"


def change_pin(card: State, old: str, new: str) -> Verdict:
    path, answer = verify(card, old)
    return ([*path, {**path[-1], "pin": new}], answer) if answer == "9000" else (path, answer)


def reload_pin(card: State, new: str) -> Verdict:
    return [{**card, "tries": 3, "pin": new}], "9000"


def authenticate(card: State, key: str, right: bool, limit: int) -> Verdict:
    if card[key] == 0:
        return [], "6983"
    counted = {**card, key: card[key] - 1}
    return ([counted, {**card, key: limit}], "9000") if right else ([counted], f"63C{counted[key]:X}")


def load(card: State, amount: int, terminal: str, time: str, tac: str) -> Verdict:
    number = card["loads"]
    money = {"balance": card["balance"] + amount, "loads": number + 1}
    record = f"{number:04X}31{terminal}{time}{amount:08X}{0:016X}"
    return [_moved(card, money, record, f"31 {number:04X} 00000000{tac}")], "9000"


def purchase(card: State, spent: tuple, terminal: str, time: str, tac_and_mac2: str) -> Verdict:
    account, self_paid, pooled = spent
    number, year, start = card["purchases"], int(card["year"]), int(card["day"])
    money = {"balance": card["balance"] - account, "purchases": number + 1}
    if int(time[:8]) - (10_000 * year + start) < 10_000:
        money |= {"self_paid": card["self_paid"] + self_paid, "pooled": card["pooled"] + pooled}
    else:
        begun = int(time[:4]) if int(time[4:8]) >= start else int(time[:4]) - 1
        money |= {"year": f"{begun:04d}", "self_paid": self_paid, "pooled": pooled}
    record = f"{number:04X}32{terminal}{time}{account:08X}{self_paid:08X}{pooled:08X}"
    return [_moved(card, money, record, f"32 {number:04X} {tac_and_mac2[8:]}{tac_and_mac2[:8]}")], "9000"


def _moved(card: State, money: State, record: str, proof: str) -> State:
    return {**card, **money, "log": [record, *card["log"]][: card["log room"]], "proof": [proof]}


def update_record(card: State, file: str, number: int, record: str) -> Verdict:
    return [{**card, file: [*card[file][: number - 1], record, *card[file][number:]]}], "9000"


def add_record(card: State, file: str, record: str, room: int) -> Verdict:
    return [{**card, file: [record, *card[file]][:room]}], "9000"


def next_sequence(sam: State) -> Verdict:
    return [{"sequence": sam["sequence"] + 1}], f"{sam['sequence'] + 1:08X}"


def allowed(before: State, path: list, begun: bool, compared: bool, answered: bool) -> list:
    """Old or new, never a mix; a guess that was compared has cost its try; an answer that was given holds."""
    if answered:
        return path[-1:] or [before]
    if compared:
        return path or [before]
    return [before, *path] if begun else [before]


def keeps_the_law(opening: int, card: State) -> bool:
    """Opening balance + loads - debits = balance, as long as the log holds all of them; numbers without a gap."""
    amounts = [(record[4:6], int(record[32:40], 16)) for record in card["log"]]
    moved = sum(amount if kind == "31" else -amount for kind, amount in amounts)
    numbers = [[int(r[:4], 16) for r in card["log"] if r[4:6] == kind] for kind in ("31", "32")]
    gapless = all(found == sorted(range(len(found)), reverse=True) for found in numbers)
    counters = [card["loads"], card["purchases"]] == [len(found) for found in numbers]
    return opening + moved == card["balance"] and gapless and counters
