"""What people see of a page: whether everybody can use it, whether all of it fits, and a picture for the documents.

Pictures go to docs/pictures/counter/ when SSCARD_PICTURES is set (`make pictures`), and nowhere else otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize

OpenPage = Callable[..., Page]
"""The fixture `open_page`."""
Size = ViewportSize
SMALL: Size = {"width": 1024, "height": 768}
LARGE: Size = {"width": 1920, "height": 1080}
SIZES = (SMALL, LARGE)
PATIENCE_MS = 10_000
PICTURES = Path(__file__).parents[2] / "docs/pictures/counter"
WCAG_AA = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
AXE_OPTIONS = {"runOnly": {"type": "tag", "values": list(WCAG_AA)}, "resultTypes": ["violations"]}
OVERFLOW = """() => [...document.querySelectorAll("body *")].filter((element) => {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1 || style.visibility === "hidden") return false;
    const clips = (way) => /hidden|clip/.test(style[way]);
    const scrolls = (way) => /auto|scroll/.test(style[way]);
    const wide = element.scrollWidth > element.clientWidth + 1 && style.display !== "inline";
    const high = element.scrollHeight > element.clientHeight + 1 && clips("overflowY");
    return (wide && !scrolls("overflowX")) || high
        || (box.right > innerWidth + 1 && box.left >= 0 && !element.closest("[data-scrolls], .scroll"));
}).map((element) => `${element.tagName}#${element.id}.${element.className}: ${element.textContent.trim().slice(0, 40)}`)"""

TORN = """() => {
    const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const node = texts.currentNode;
        for (const word of node.data.matchAll(/[\\w.,:*]{2,24}/g)) {
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) found.push(word[0]);
        }
    }
    return found;
}"""


def torn(page: Page) -> list[str]:
    """Numbers and words of Latin letters that stand on two lines, broken in the middle."""
    found: list[str] = page.evaluate(TORN)
    return found


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, one sentence each."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(options)", AXE_OPTIONS)
    return [
        f"{rule['id']}: {rule['help']}: {[node['html'] for node in rule['nodes']]}"
        for rule in found["violations"]
    ]


def overflows(page: Page) -> list[str]:
    """The elements whose text does not fit where it stands, and those that stand outside the window."""
    found: list[str] = page.evaluate(OVERFLOW)
    return found


def is_focus_seen(page: Page) -> bool:
    """Something on the screen has the focus, so that the next key has a place to go (counter.md, screen rule 5)."""
    return bool(
        page.evaluate(
            "() => document.activeElement !== document.body && document.activeElement.checkVisibility()"
        )
    )


def picture(page: Page, name: str) -> None:
    """The window as it is, where pictures are wanted; `name` says page, state and language: "pad-pin-zh"."""
    if os.environ.get("SSCARD_PICTURES"):
        page.screenshot(path=PICTURES / f"{name}.png", animations="disabled", caret="hide")


def looks_right(page: Page, name: str) -> None:
    """This state of a page, at both sizes: nobody is shut out, nothing is cut off or torn, and its picture is taken."""
    for size in (LARGE, SMALL):
        page.set_viewport_size(size)
        assert not overflows(page), (name, size, overflows(page))
        assert not torn(page), (name, size, torn(page))
    assert not violations(page), (name, violations(page))
    picture(page, name)
