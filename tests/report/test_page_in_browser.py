"""The page in headless Chromium: filters, links, widths, themes; no console message and no request."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadline.claims import Ledger, statements
from leadline.report import write_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="needs chromium and chromedriver on the PATH"),
    pytest.mark.filterwarnings("default::ResourceWarning"),  # selenium's pipes
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, ledger: Ledger, tmp_path: Path) -> Iterator:
    """The browser with the page open; afterwards nothing may have gone to the console or the network."""
    address = write_page(ledger, tmp_path / "report").as_uri()
    _set(browser, width=1280, theme="light")
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {one["params"]["request"]["url"].partition("#")[0] for one in events
             if one["method"] == "Network.requestWillBeSent"}  # fmt: skip
    assert address in asked  # the log works
    assert {url for url in asked if not url.startswith("data:")} <= {address, "about:blank"}
    assert browser.title == "Leadline: the ledger"  # and no hostile script has changed it


def _set(browser, *, width: int, theme: str) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def _all(browser, selector: str) -> list:
    return browser.find_elements("css selector", selector)


def _one(browser, selector: str):
    return browser.find_element("css selector", selector)


def _shown(browser) -> set[str]:
    return {one.get_attribute("id").removeprefix("claim-") for one in _all(browser, "details.claim:not([hidden])")}


def _chip(browser, value: str):
    return _one(browser, f'button.chip[data-value="{value}"]')


def _hash(browser) -> str:
    return browser.execute_script("return location.hash")


def _go(browser, target: str) -> None:
    browser.execute_script("location.hash = arguments[0]", target)
    browser.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 50))")


def test_filters_by_verdict_and_source(page) -> None:
    assert _shown(page) == set(statements())
    _chip(page, "fails").click()
    assert _shown(page) == {"dlhw2.2.w7", "csc413b.3.1.output"}
    assert _chip(page, "fails").get_attribute("aria-pressed") == "true"
    assert _one(page, "#shown").text == f"2 of {len(statements())} statements"
    _chip(page, "csc413b").click()
    assert _shown(page) == {"csc413b.3.1.output"}
    assert _hash(page) == "#verdict=fails&source=csc413b"
    assert _chip(page, "dlhw2").text.split() == ["dlhw2", "1"]  # counts follow the other filters
    _one(page, "#clear").click()
    assert _shown(page) == set(statements())
    assert _hash(page) == "#ledger"


def test_verdicts_add_up_as_filters(page) -> None:
    _chip(page, "fails").click()
    _chip(page, "undecidable").click()
    assert _shown(page) == {"dlhw2.2.w7", "csc413b.3.1.output", "dlhw2.3b.critical"}
    _chip(page, "fails").click()
    assert _shown(page) == {"dlhw2.3b.critical"}


def test_the_keyboard_is_enough(page) -> None:
    from selenium.webdriver.common.keys import Keys

    _one(page, "body").send_keys("/")
    field = page.switch_to.active_element
    assert field.get_attribute("id") == "find"
    field.send_keys("chain AUTOGRAD")
    assert _shown(page) == {"dlhw2.2.w7"}
    field.send_keys(Keys.ESCAPE)
    assert _shown(page) == set(statements())
    chip = _chip(page, "qualified")
    chip.send_keys(Keys.ENTER)
    assert _shown(page) == {"dlhw2.5.1", "ds541.1a"}
    summary = _one(page, "#claim-ds541\\.1a summary")
    summary.send_keys(Keys.ENTER)
    assert _one(page, "#claim-ds541\\.1a").get_attribute("open")


def test_nothing_found_is_said(page) -> None:
    _one(page, "#find").send_keys("no such words anywhere")
    assert _shown(page) == set()
    assert _one(page, "#nothing").is_displayed()
    assert not [one for one in _all(page, "section.source") if one.is_displayed()]


def test_a_link_opens_its_claim_and_the_claim_its_study(page) -> None:
    _go(page, "claim-dlhw2.2.w7")
    claim = _one(page, "#claim-dlhw2\\.2\\.w7")
    assert claim.get_attribute("open")
    assert "Chain rule, checked against autograd." in claim.text
    assert "+11.4%" in claim.text
    _one(claim, 'a[href="#study-worked-example"]').click()
    assert _hash(page) == "#study-worked-example"
    top = page.execute_script("return document.getElementById('study-worked-example').getBoundingClientRect().top")
    assert 0 <= top < 200


def test_a_link_to_a_claim_that_is_filtered_away_shows_it(page) -> None:
    _go(page, "verdict=holds")
    assert _shown(page) == {"dlhw2.2.h1", "dlhw2.6.total"}
    _go(page, "claim-dlhw2.5.1")
    assert _one(page, "#claim-dlhw2\\.5\\.1").is_displayed()


def test_the_state_survives_a_reload(page) -> None:
    _chip(page, "fails").click()
    _one(page, "#find").send_keys("w7")
    page.refresh()
    assert _shown(page) == {"dlhw2.2.w7"}
    assert _one(page, "#find").get_attribute("value") == "w7"


def test_a_count_at_the_top_filters(page) -> None:
    _one(page, ".totals .undecidable a").click()
    page.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 50))")
    assert _shown(page) == {"dlhw2.3b.critical"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(page, width: int, theme: str) -> None:
    _set(page, width=width, theme=theme)
    _one(page, "#expand").click()
    assert all(one.get_attribute("open") for one in _all(page, "details.claim"))
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    inner = page.execute_script(
        "return [...document.querySelectorAll('.scroll')].map(e => [e.scrollWidth, e.clientWidth])"
    )
    assert any(content > box for content, box in inner)  # the wide table scrolls inside its own box


def test_light_and_dark_follow_the_system_and_the_button(page) -> None:
    def ground() -> str:
        return page.execute_script("return getComputedStyle(document.body).backgroundColor")

    light = ground()
    _set(page, width=1280, theme="dark")
    dark = ground()
    assert light != dark
    line = "return getComputedStyle(document.querySelector('figure svg [style*=\"--series-1\"]')).stroke"
    stroke_in_dark = page.execute_script(line)
    _one(page, "#theme").click()
    assert ground() == light
    assert page.execute_script(line) != stroke_in_dark
    page.refresh()
    assert ground() == light  # the choice is remembered
    page.execute_script("localStorage.clear()")


def test_a_crash_is_open_and_hostile_text_is_text(page) -> None:
    crash = _one(page, "#study-crashing pre")
    assert crash.is_displayed()
    assert crash.text.endswith("ValueError: <b>too deep</b>")
    assert _one(page, "#study-hostile h2").text.startswith("<script>document.title='stolen'</script>")
    assert not _all(page, "img")


def test_print_opens_what_is_shown(page) -> None:
    _chip(page, "fails").click()
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert {bool(one.get_attribute("open")) for one in _all(page, "details.claim:not([hidden])")} == {True}
    assert not _all(page, "details.claim[hidden][open]")
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not _all(page, "details.claim[open]")
