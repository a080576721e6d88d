"""The page's text: complete, escaped, deterministic, and legible in both themes."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from leadline.claims import Ledger, statements
from leadline.core import InputError
from leadline.report import render_page, write_page

AA_TEXT = 4.5  # WCAG 2.2, 1.4.3
AA_GRAPHICS = 3.0  # 1.4.11


class Reading(HTMLParser):
    """Ids, links and elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" and "href" in given else []


@pytest.fixture
def page(ledger: Ledger) -> str:
    return render_page(ledger)


def test_every_claim_is_on_it_once(page: str) -> None:
    ids = Reading(page).ids
    assert len(ids) == len(set(ids))
    assert {f"claim-{name}" for name in statements()} <= set(ids)


def test_every_link_within_the_page_leads_somewhere(page: str) -> None:
    reading = Reading(page)
    targets = {link[1:] for link in reading.links if not re.match(r"#(verdict|source)=", link)}
    assert targets <= set(reading.ids)


def test_nothing_is_fetched(page: str) -> None:
    for tag, given in Reading(page).tags:
        assert tag not in {"img", "iframe", "object", "embed", "base"}
        assert not (tag == "script" and "src" in given)
        assert not given.get("href", "#").startswith(("http", "//"))
        assert not [name for name in given if name.startswith("on")]


def test_hostile_text_stays_text(page: str) -> None:
    assert "<script>document.title" not in page
    assert "&lt;script&gt;document.title" in page
    assert "<b>too deep" not in page
    assert sum(tag == "script" for tag, _ in Reading(page).tags) == 2


def test_the_policy_allows_the_two_scripts_by_hash_alone(page: str) -> None:
    policy = next(given["content"] for tag, given in Reading(page).tags if given.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/=]{44}' 'sha256-[\w+/=]{44}';", policy)


def test_the_same_ledger_gives_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    first = write_page(ledger, tmp_path / "one").read_bytes()
    assert write_page(ledger, tmp_path / "two").read_bytes() == first
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["index.html"]


def test_an_empty_ledger_has_a_page(tmp_path: Path) -> None:
    page = render_page(Ledger(tmp_path / "nothing"))
    assert page.count('class="claim pending"') == len(statements())


def test_a_study_shows_what_it_was_computed_from(page: str) -> None:
    section = page[page.index('id="study-worked-example"') : page.index("<footer")]
    for part in ("2.5 s", "quick", "0123456789abcdef", "2.13.0", "abababababab", "Everything in float64.", "<svg"):
        assert part in section


def test_a_folder_that_cannot_be_written_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="a folder to write to"):
        write_page(ledger, tmp_path / "file")


def test_a_broken_drawing_is_said(ledger: Ledger, tmp_path: Path) -> None:
    path = next((tmp_path / "ledger").glob("worked*.json"))
    path.write_text(path.read_text("utf-8").replace("</svg>", ""), "utf-8")
    assert "The stored drawing of this figure cannot be read." in render_page(ledger)


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [1, 2], ids=["light", "dark"])
def test_contrast_meets_aa(page: str, theme: int) -> None:
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", page)
    colours = {pair[0]: pair[theme] for pair in pairs}
    texts = ("ink", "faint", "link", "holds", "qualified", "fails", "undecidable", "pending")
    for name in texts:
        for ground in ("paper", "surface"):
            assert _contrast(colours[name], colours[ground]) >= AA_TEXT, (name, ground)
    for place in range(1, 7):
        assert _contrast(colours[f"series-{place}"], colours["paper"]) >= AA_GRAPHICS, place
