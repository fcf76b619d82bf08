"""The page of an episode among panoramas, as Chromium shows it."""

import shutil

import pytest
from paged_runs import HOSTILE, HOSTILE_KIND, write_results
from panoramas import CLAUSES, TEXT, Panoramas, record_panoramas, result_of
from playwright.sync_api import sync_playwright

from placecell.agent.run_folder import episode_folder
from placecell.scripts.replay import main

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


class Hostile(Panoramas):
    instruction = HOSTILE + HOSTILE_KIND + TEXT


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One episode of each family; the second one's instruction is hostile."""
    out = tmp_path_factory.mktemp("panoramas") / "run"
    found = []
    for index, env in enumerate((Panoramas(), Hostile(family="streets"))):
        last = record_panoramas(episode_folder(out, index, f"7_{index}"), env=env, episode=index)
        found.append(result_of(last))
    write_results(out, [found[0]])
    assert main(["page", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened, complaints = context.new_page(), []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def page_of(run, index):
    return (run / "episodes" / f"{index:05d}-7_{index}" / "page.html").as_uri()


def test_the_part_that_a_step_follows_is_marked_whatever_the_letters(run, tab):
    tab.goto(page_of(run, 0))
    assert tab.text_content("#instruction") == TEXT
    for key, (begin, end) in zip(("Home", "ArrowRight", "End"), CLAUSES, strict=True):
        tab.keyboard.press(key)
        assert "".join(tab.locator("#instruction .now").all_text_contents()) == TEXT[begin:end]
    assert tab.locator("#instruction [data-part]").count() == 3
    assert tab.locator("#instruction b").count() == 0


def test_hypotheses_are_told_with_their_parts_and_drawn(run, tab):
    tab.goto(page_of(run, 0))
    rows = tab.locator("#hypotheses li")
    assert rows.all_text_contents() == ["0.752turn <b>left</b>.", "0.253Stop at the $door."]
    assert tab.locator("#hypotheses meter").first.evaluate("bar => bar.value") == 0.75
    before = tab.evaluate("document.getElementById('map').toDataURL()")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.getElementById('map').toDataURL()") != before
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate("document.getElementById('map').toDataURL()") == before


def test_the_legend_says_what_is_drawn_and_nothing_else(run, tab):
    tab.goto(page_of(run, 0))
    assert tab.locator(".legend li:visible").all_text_contents() == [
        "walked", "shortest", "goal", "recalled", "route described", "candidates", "hypotheses",
    ]  # fmt: skip
    assert not tab.locator("#rgb-figure").is_visible()
    assert not tab.locator("#depth-figure").is_visible()


def test_an_instruction_is_text_however_hostile(run, tab):
    tab.goto(page_of(run, 1))
    assert tab.text_content("#instruction") == HOSTILE + HOSTILE_KIND + TEXT
    assert "owned" not in tab.title().split("<script>")[0]
    assert tab.locator("#instruction script, h1 script, img[src=x]").count() == 0
    tab.goto((run / "index.html").as_uri())
    assert tab.locator("tbody script").count() == 0
    assert tab.locator("tbody img.thumb").count() == 2


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window_and_nothing_moves(run, tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto(page_of(run, 0))
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    boxes = """["map", "slider", "instruction", "hypotheses", "words"].map(
        (id) => JSON.stringify(document.getElementById(id).getBoundingClientRect()))"""
    before = tab.evaluate(boxes)
    tab.keyboard.press("End")
    assert tab.evaluate(boxes) == before
