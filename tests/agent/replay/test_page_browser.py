"""Pages and index as a browser shows them: Chromium, from the disk, headless."""

import json
import shutil

import pytest
from paged_runs import HOSTILE, HOSTILE_KIND, record_episode, result, says, write_results
from playwright.sync_api import expect, sync_playwright
from recorded import plodder

from placecell.scripts.replay import main

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Four episodes with pages, the hostile one among them, and one that left nothing but its result."""
    out = tmp_path_factory.mktemp("browser") / "my run"
    agent = plodder(says)
    record_episode(out, 0, "first", agent, scene_id="<b>wall</b>")
    of_kind = {"kind": "object", "category": HOSTILE_KIND}
    named = {"categories": ["", "wall", HOSTILE_KIND], "tags": of_kind, "actions": [HOSTILE_KIND] * 3}
    record_episode(out, 1, HOSTILE, agent, scene_id=HOSTILE, policy=HOSTILE_KIND, **named)
    record_episode(out, 2, "light", agent, level="light", steps=3)
    record_episode(out, 4, "rare", agent, every=3)
    found = [
        result(0, "first", 0.25),
        result(1, HOSTILE, 0.0, failure="never seen", scene=HOSTILE, category=HOSTILE_KIND),
        result(2, "light", 0.75),
        result(3, "lost", 0.0, status="crashed", reason="ValueError: <i>no</i>"),
        result(4, "rare", 0.5),
    ]
    write_results(out, found)
    assert main(["page", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield started
        started.close()


@pytest.fixture
def tab(browser):
    """A page of the browser, whose complaints and requests are looked at when the test is done."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    complaints, requests = [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    yield opened
    context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    # Besides its own file a page asks for nothing, not even for a neighbour on the disk.
    assert all(url.startswith("data:") or url.split("#")[0].endswith(".html") for url in requests)


def page_of(run, index):
    (folder,) = (run / "episodes").glob(f"{index:05d}-*")
    return (folder / "page.html").as_uri()


def shown(tab):
    """What stands on the page: the step, the image, the map's pixels, the words."""
    return tab.evaluate(
        """() => ({
            step: document.getElementById("number").textContent,
            slider: document.getElementById("slider").value,
            rgb: document.getElementById("rgb").src,
            depth: document.getElementById("depth").src,
            map: document.getElementById("map").toDataURL(),
            words: document.getElementById("words").textContent,
            loaded: document.getElementById("rgb").naturalWidth,
        })"""
    )


def test_the_slider_moves_frame_map_and_words(run, tab):
    tab.goto(page_of(run, 0))
    before = shown(tab)
    assert before["step"] == "0"
    assert before["loaded"] == 16
    assert "looks around" in before["words"]
    tab.locator("#slider").fill("4")
    after = shown(tab)
    assert (after["step"], after["slider"]) == ("4", "4")
    assert "follows its plan" in after["words"]
    assert "4 candidates rejected so far." in after["words"]
    assert "odd: </script>" in after["words"]
    for part in ("rgb", "map", "words"):
        assert after[part] != before[part], part
    tab.locator("#slider").fill("0")
    assert shown(tab) == before


def test_the_memory_on_the_map_grows_with_the_steps_and_shrinks_back(run, tab):
    def told():
        """What the map says to a pointer that crosses it everywhere."""
        found = tab.evaluate(
            """() => {
                const map = document.getElementById("map"), box = map.getBoundingClientRect(), found = [];
                for (let x = 2; x < box.width; x += 8) for (let y = 2; y < box.height; y += 8) {
                    const at = { clientX: box.left + x, clientY: box.top + y };
                    map.dispatchEvent(new PointerEvent("pointermove", at));
                    found.push(document.getElementById("under").textContent);
                }
                return found;
            }"""
        )
        return [text for text in found if "top at" in text]

    tab.goto(page_of(run, 0))
    before = told()
    tab.keyboard.press("End")
    after = told()
    assert len(after) > len(before) > 0
    assert any("chair, top at " in text for text in after)
    tab.keyboard.press("Home")
    assert told() == before


def test_keys_move_play_and_help(run, tab):
    tab.goto(page_of(run, 0))
    for key, step in (
        ("ArrowRight", "1"), ("ArrowRight", "2"), ("ArrowLeft", "1"), ("End", "5"), ("ArrowRight", "5"),
        ("Home", "0"), ("Shift+ArrowRight", "5"), ("Home", "0"),
    ):  # fmt: skip
        tab.keyboard.press(key)
        assert tab.text_content("#number") == step
    assert tab.input_value("#speed") == "2"
    tab.keyboard.press("+")
    tab.keyboard.press("+")
    assert tab.input_value("#speed") == "4"
    tab.keyboard.press("-")
    assert tab.input_value("#speed") == "3"
    tab.keyboard.press("Space")
    assert tab.get_attribute("#play", "aria-label") == "pause"
    expect(tab.locator("#number")).to_have_text("5")
    expect(tab.locator("#play")).to_have_text("play")
    tab.keyboard.press("?")
    assert tab.locator("#help").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.locator("#help").is_visible()


def test_brackets_and_links_lead_to_the_neighbours_and_the_index(run, tab):
    tab.goto(page_of(run, 0))
    assert tab.locator("nav a[rel=prev]").count() == 0
    tab.keyboard.press("]")
    tab.wait_for_url("**/00001-*/page.html")
    tab.keyboard.press("]")
    tab.wait_for_url("**/00002-light/page.html")
    tab.keyboard.press("]")
    tab.wait_for_url("**/00004-rare/page.html")
    tab.keyboard.press("[")
    tab.wait_for_url("**/00002-light/page.html")
    tab.click("text=index")
    tab.wait_for_url("**/index.html")


def test_brackets_typed_with_altgr_are_brackets_and_other_keys_are_left_to_the_browser(run, tab):
    press = """(held) => document.body.dispatchEvent(
        new KeyboardEvent("keydown", {key: "]", ctrlKey: true, altKey: true, bubbles: true, ...held}))"""
    tab.goto(page_of(run, 0))
    assert tab.evaluate(press, {}) is True  # nobody prevented what the browser does with it
    tab.evaluate(press, {"modifierAltGraph": True})
    tab.wait_for_url("**/00001-*/page.html")


def test_what_a_stranger_named_is_text(run, tab):
    tab.goto(page_of(run, 1))
    kind = HOSTILE_KIND.replace("_", " ")
    assert tab.title() == f"{HOSTILE}: find {kind}"
    assert tab.text_content("h1") == f"find {kind}"
    assert tab.text_content(".id") == HOSTILE
    assert tab.text_content("#action") == kind
    assert HOSTILE_KIND in tab.text_content(".about dl")
    assert tab.locator("header script").count() == 0
    assert tab.locator("img").count() == 2
    tab.goto((run / "index.html").as_uri())
    assert tab.title() == "my run: episodes"
    assert tab.locator("tbody script, tbody b, tbody i, tbody img:not(.thumb)").count() == 0
    assert "ValueError: <i>no</i>" in tab.locator("tbody").text_content()
    tab.click(f"text={HOSTILE} >> nth=0")
    tab.wait_for_url("**/00001-*/page.html")


def test_a_light_recording_shows_the_path_and_says_what_it_lacks(run, tab):
    tab.goto(page_of(run, 2))
    assert "A light recording: no images, no map" in tab.text_content(".notice")
    assert not tab.locator(".frames").is_visible()
    before = tab.evaluate("document.getElementById('map').toDataURL()")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.getElementById('map').toDataURL()") != before


def test_between_recorded_images_the_last_one_stays_and_is_dated(run, tab):
    tab.goto(page_of(run, 4))
    tab.locator("#slider").fill("2")
    assert tab.text_content("#rgb-note") == "of step 0"
    tab.locator("#slider").fill("3")
    assert tab.text_content("#rgb-note") == ""


def ids(tab):
    """The visible episodes of the index, from top to bottom."""
    names = tab.locator("tbody tr:visible .who > div > :first-child").all_text_contents()
    return ["hostile" if name == HOSTILE else name for name in names]


def test_the_index_has_failures_first_and_sorts(run, tab):
    tab.goto((run / "index.html").as_uri())
    assert ids(tab) == ["lost", "hostile", "first", "light", "rare"]
    assert "x_ray" in tab.text_content(".summary")
    assert "4 / 5" in tab.text_content(".summary")
    assert tab.locator("tbody a").count() == 4
    spl = tab.locator("thead th", has_text="spl").first
    spl.locator("button").click()
    assert spl.get_attribute("aria-sort") == "ascending"
    assert ids(tab) == ["hostile", "first", "rare", "light", "lost"]
    spl.locator("button").focus()
    tab.keyboard.press("Enter")
    assert spl.get_attribute("aria-sort") == "descending"
    assert ids(tab) == ["light", "rare", "first", "hostile", "lost"]
    tab.click("#reset")
    assert ids(tab) == ["lost", "hostile", "first", "light", "rare"]
    assert tab.locator("[aria-sort]").count() == 0


def test_the_index_is_filtered_by_outcome_and_text(run, tab):
    tab.goto((run / "index.html").as_uri())
    tab.select_option("#outcome", "success")
    assert ids(tab) == ["first", "light", "rare"]
    tab.fill("#text", "RAR")
    assert ids(tab) == ["rare"]
    assert tab.text_content("#shown") == "1 of 5"


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window_and_nothing_moves(run, tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    for address in (page_of(run, 0), (run / "index.html").as_uri()):
        tab.goto(address)
        assert tab.evaluate("document.documentElement.scrollWidth") == width
    tab.goto(page_of(run, 0))
    boxes = """["map", "slider", "words", "measures", "rgb"].map(
        (id) => JSON.stringify(document.getElementById(id).getBoundingClientRect()))"""
    before = tab.evaluate(boxes)
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
        assert tab.evaluate(boxes) == before


def test_a_dark_window_gets_a_dark_page(run, browser):
    context = browser.new_context(color_scheme="dark")
    tab = context.new_page()
    tab.goto(page_of(run, 0))
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
    context.close()


def alone(tmp_path, tab, change=lambda line: line, **how):
    """Opens the page of one episode, whose recorded lines were changed."""
    folder = record_episode(tmp_path / "one", 0, "one", plodder(says), **how)
    lines = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    (folder / "steps.jsonl").write_text("".join(json.dumps(change(line)) + "\n" for line in lines))
    write_results(tmp_path / "one", [result(0, "one", 0.5)])
    assert main(["page", str(tmp_path / "one")]) == 0
    tab.goto((folder / "page.html").as_uri())


def test_many_memories_scroll_by_themselves_and_push_nothing_out(tmp_path, tab):
    item = {"position": [1.0, 1.0, 0.5], "score": 0.5, "source": "seen", "age_steps": 3, "category": 2}
    alone(tmp_path, tab, lambda line: line if "end" in line else {**line, "recalled": [item] * 30})
    assert tab.locator("#recalled tbody tr").count() == 30
    assert tab.evaluate("document.documentElement.scrollHeight") == 800
    legend, footer = (tab.locator(part).bounding_box() for part in (".legend", "footer"))
    assert legend["y"] + legend["height"] < footer["y"]


def test_an_episode_of_one_step_without_finite_numbers_has_a_page(tmp_path, tab):
    item = {"position": [None, 1.0, 0.5], "score": None, "source": "seen", "age_steps": 3, "category": 2}

    def change(line):
        blank = {"measures": {"success": None, "distance_to_goal": None}}
        return {"end": {**line["end"], **blank}} if "end" in line else {**line, **blank, "recalled": [item]}

    alone(tmp_path, tab, change, steps=1)
    assert tab.text_content("header .pill") == "done"
    for key in ("End", "ArrowRight", "Home", "Space"):
        tab.keyboard.press(key)
        assert tab.text_content("#number") == "0"
    assert tab.locator("#recalled tbody td").all_text_contents() == ["chair", "–", "3 steps ago", "–"]
    assert "distance to goal–" in tab.text_content("#measures")
