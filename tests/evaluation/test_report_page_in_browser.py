"""The page in headless Chromium: filters, widths, errors and what it asks for.

A local server gives the browser the page and another one around it, which opens it in frames of
given widths and notes what it finds.
"""

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from report_runs import Page, Reported

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")

LOOK = """<!doctype html><meta charset="utf-8"><title>look</title><body><script>
const steps = STEPS;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const look = async ({width, hash, set, press}) => {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:900px;border:0`;
  frame.src = `/index.html${hash}`;
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; });
  await wait(50);
  const page = frame.contentDocument;
  const form = page.getElementById("failure-filters");
  for (const [name, value] of Object.entries(set ?? {})) {
    const field = form.elements.namedItem(name);
    field.focus();
    if (page.activeElement !== field) throw new Error(`${name} cannot be reached`);
    field.value = value;
    field.dispatchEvent(new Event("input", {bubbles: true}));
  }
  if (press) form.querySelector(press).click();
  await wait(50);
  for (const each of page.querySelectorAll("details")) each.open = true;
  const root = page.documentElement;
  const shown = [...page.querySelectorAll("#failure-list figure")].filter((it) => !it.hidden);
  const found = {
    formShown: !form.hidden,
    noneShown: !page.getElementById("failure-none").hidden,
    count: page.getElementById("failure-count").textContent,
    hash: frame.contentWindow.location.hash,
    figures: shown.map((it) => ({...it.dataset})),
    onScreen: shown.every((it) => it.getBoundingClientRect().width > 50),
    scrollTop: root.scrollTop,
    width: frame.contentWindow.innerWidth,
    scrollWidth: root.scrollWidth,
    asked: frame.contentWindow.performance.getEntriesByType("resource").map((it) => it.name),
  };
  frame.remove();
  return found;
};
(async () => {
  const out = document.createElement("pre");
  out.id = "found";
  try {
    const found = [];
    for (const step of steps) found.push(await look(step));
    out.textContent = JSON.stringify(found);
  } catch (error) {
    out.textContent = JSON.stringify({error: String(error)});
  }
  document.body.append(out);
})();
</script>"""


class Server(ThreadingHTTPServer):
    """Gives the folder of a page, and `look` for /look.html; notes what is not there."""

    look = ""
    missing: list[str]


class Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path != "/look.html":
            return super().do_GET()
        content = self.server.look.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None

    def log_message(self, format: str, *args: Any) -> None:
        # Browsers ask for an icon by themselves.
        if "404" in str(args) and self.path != "/favicon.ico":
            self.server.missing.append(self.path)


class Browser:
    """Looks at a page."""

    def __init__(self, server: Server, profile: Path) -> None:
        self.server, self.profile = server, profile
        self.address = f"http://127.0.0.1:{server.server_port}"

    def look(self, *steps: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        """What is found at each step, and what the browser wrote on its console."""
        full = [{"width": 1200, "hash": "", **step} for step in steps]
        self.server.look = LOOK.replace("STEPS", json.dumps(full))
        assert CHROMIUM is not None
        done = subprocess.run(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-background-networking", "--no-first-run", "--window-size=1300,1000",
                f"--user-data-dir={self.profile}", "--enable-logging=stderr",
                "--virtual-time-budget=60000", "--dump-dom", f"{self.address}/look.html",
            ],
            capture_output=True, text=True, timeout=240, check=True,
        )  # fmt: skip
        console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
        text = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
        assert text is not None, done.stdout[-500:] + done.stderr[-500:]
        found = json.loads(html.unescape(text[1]))
        assert isinstance(found, list), found
        return found, console


@pytest.fixture(scope="module")
def browser(reported: Reported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    handler = partial(Handler, directory=str(reported.page.parent))
    server = Server(("127.0.0.1", 0), handler)
    server.missing = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Browser(server, tmp_path_factory.mktemp("chromium"))
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def every(reported: Reported) -> list[dict[str, Any]]:
    """The gallery's figures as the file has them."""
    figures = Page(reported.page.read_text()).figures
    found = [{k.removeprefix("data-"): v for k, v in each.items()} for each in figures]
    return [each for each in found if "error" in each]


def test_without_a_script_everything_is_shown(
    reported: Reported, every: list[dict[str, Any]]
) -> None:
    text = reported.page.read_text()
    assert len(every) == 2 * (9 + 7)
    assert all("hidden" not in each for each in every)
    assert '<form id="failure-filters" class="filters" hidden' in text


def test_filters_show_what_fits_in_order(browser: Browser, every: list[dict[str, Any]]) -> None:
    errors = sorted((float(each["error"]) for each in every), reverse=True)
    middle = (errors[7] + errors[8]) / 2
    hardness = sorted(float(each["hardness"]) for each in every)
    hard = hardness[-6] - 1e-9
    steps = [
        {},
        {"hash": "#show=all"},
        {"hash": "#model=the+hourglass&sort=smallest&show=all"},
        {"set": {"target": "drawn · test_hard", "show": "all"}},
        {"hash": f"#error-from={middle}&show=all"},
        {"hash": f"#error-to={middle}&sort=hardest&show=all"},
        {"hash": f"#hardness-from={hard}&show=all"},
        {"hash": "#state=outside&share=5"},
        {"hash": "#model=no+such+model&sort=nothing&show=all"},
        {"hash": "#model=the+hourglass", "press": "button[type=reset]"},
        {"hash": "#provenance"},
    ]
    found, console = browser.look(*steps)
    assert console == ""
    shown = [[float(figure["error"]) for figure in each["figures"]] for each in found]
    total = len(every)
    assert all(each["formShown"] and each["onScreen"] for each in found)

    assert shown[0] == errors[:24]
    assert found[0]["count"] == f"24 of {total} shown"
    assert found[0]["hash"] == ""
    assert shown[1] == errors
    assert found[1]["count"] == f"{total} of {total} shown"

    assert {figure["model"] for figure in found[2]["figures"]} == {"the hourglass"}
    assert shown[2] == sorted(float(e["error"]) for e in every if e["model"] == "the hourglass")
    assert found[2]["scrollTop"] > 0, "a link to a view leads to it"

    assert {figure["target"] for figure in found[3]["figures"]} == {"drawn · test_hard"}
    assert len(shown[3]) == 14
    assert found[3]["hash"] == "#target=drawn+%C2%B7+test_hard&show=all"

    assert shown[4] == errors[:8]
    assert found[4]["count"] == f"8 of {total} shown, 8 fit"
    assert sorted(shown[5], reverse=True) == errors[8:]
    order = [float(figure["hardness"]) for figure in found[5]["figures"]]
    assert order == sorted(order, reverse=True)
    assert sorted(float(f["hardness"]) for f in found[6]["figures"]) == hardness[-6:]

    assert shown[7] == []
    assert found[7]["noneShown"]
    assert not found[0]["noneShown"]
    assert shown[8] == errors, "what nobody offers is not filtered by"
    assert shown[9] == errors[:24]
    assert found[9]["hash"] == ""
    assert found[10]["hash"] == "#provenance", "a link to a section is left alone"
    assert shown[10] == errors[:24]


def test_the_page_fits_its_width_and_asks_for_nothing_else(browser: Browser) -> None:
    found, console = browser.look({"width": 1200}, {"width": 400})
    assert console == ""
    for each, width in zip(found, (1200, 400), strict=True):
        assert each["width"] == width
        assert each["scrollWidth"] <= width, "with everything unfolded"
        assert each["asked"]
        assert all(name.startswith(f"{browser.address}/pictures/") for name in each["asked"])
    assert browser.server.missing == []
