"""A browser nobody has let in, seen through the browser itself."""

from tests.browser.sight import OpenPage


def test_a_browser_that_is_not_paired_is_shown_nothing_of_the_pad(open_page: OpenPage) -> None:
    page = open_page("/pad/state")

    assert '"error":"not-paired"' in page.content()
