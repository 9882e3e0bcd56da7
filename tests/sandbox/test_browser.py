"""The page at the root in a browser: what it shows, what it does, and that keys are enough."""

from __future__ import annotations

import pytest

from clicksend.sandbox.world.seed_data import CUSTOMERS, OPT_OUTS
from tests.sandbox import browser
from tests.sandbox.runner import EPOCH, walk
from tests.sandbox.test_page import HOSTILE

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(browser.CHROMIUM is None, reason="chromium is not installed"),
]
NUMBER = "+61412345678"

CONTRAST = """(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const linear = part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const much = [.2126, .7152, .0722];
  const light = color => much.reduce((sum, one, i) => sum + one * linear(color[i] / 255), 0);
  const behind = it => {
    for (; it; it = it.parentElement) {
      const color = parse(getComputedStyle(it).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
  };
  const found = [];
  for (const it of document.querySelectorAll('body *:not(option, script, style)')) {
    const texts = [...it.childNodes].filter(part => part.nodeType === 3 && part.data.trim());
    if (!texts.length || !it.getClientRects().length) continue;
    const both = [light(parse(getComputedStyle(it).color)), light(behind(it))].sort((a, b) => b - a);
    found.push([(both[0] + .05) / (both[1] + .05), it.textContent.trim().slice(0, 30)]);
  }
  return found.sort((a, b) => a[0] - b[0])[0];
})()"""
"""The text that differs least from what is behind it, and by what ratio (WCAG 2)."""


@pytest.fixture(scope="module")
def chromium():
    with browser.Page() as page:
        yield page


@pytest.fixture
def page(chromium, box):
    """Return the page, opened; it has nothing to complain about when the test is over."""
    chromium.said.clear()
    chromium.open(box.url)
    yield chromium
    assert chromium.complaints() == []
    assert chromium.run("typeof hacked") == "undefined"
    assert not [one for one in box.requests() if "favicon" in one["path"]]


def open_thread(page, number=NUMBER):
    page.run(f"location.hash = '#/' + encodeURIComponent({number!r})")
    page.wait("document.querySelectorAll('#messages > li').length")


def bodies(page):
    return page.run("[...document.querySelectorAll('#messages .body')].map(it => it.textContent)")


def said(page, words):
    page.wait(f"document.getElementById('said').textContent.includes({words!r})")


def marked(body):
    """Return a text as the page shows it: what cannot be seen is named."""
    seen = body.replace("\r\n", "\n")
    unseen = "\x00\x07\x1b\r\x7f\u202e\u202c\u2066"
    return "".join(f"U+{ord(one):04X}" if one in unseen else one for one in seen)


def test_it_says_what_it_is_and_how_to_begin(page, box):
    assert "This is not ClickSend." in page.text()
    page.wait("document.getElementById('why').textContent.includes('Nothing has been sent yet')")
    assert f"{box.url}/v3/sms/send" in page.run("document.getElementById('example').textContent")


def test_a_message_appears_by_itself(page, send):
    send({"body": "Here I am", "from": "ACME"})
    page.wait("document.querySelectorAll('#threads li').length === 1")
    assert NUMBER in page.text()
    assert "Here I am" in page.text()
    assert "… Queued" in page.text()


def test_hostile_texts_are_texts(page, send):
    script = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>"
    texts = [*HOSTILE, script]
    send(
        *({"body": body, "from": "", "custom_string": body[:40]} for body in texts),
        {"to": script, "body": script},
    )
    open_thread(page)
    assert bodies(page) == [marked(body) for body in texts]
    assert page.run("document.querySelectorAll('main img, main script').length") == 0
    assert page.run("getComputedStyle(document.querySelector('#messages .body')).direction") == "ltr"
    arabic = "[...document.querySelectorAll('#messages .body')].find(it => /\u0645/.test(it.textContent))"
    assert page.run(f"getComputedStyle({arabic}).direction") == "rtl"
    open_thread(page, script)
    assert bodies(page) == [script]
    assert page.run("document.getElementById('one-title').textContent") == script


@pytest.mark.parametrize("width", [390, 700, 1200])
def test_nothing_sticks_out(page, box, send, width):
    send(*({"body": body} for body in HOSTILE), {"to": "w" * 300, "body": "x"})
    page.open(box.url, width)
    page.wait("document.querySelectorAll('#threads li').length === 2")
    assert page.run("document.documentElement.scrollWidth") <= width
    page.run("document.getElementById('controls').open = true")
    assert page.run("document.documentElement.scrollWidth") <= width
    open_thread(page)
    assert page.run("document.documentElement.scrollWidth") <= width
    wide = "[...document.querySelectorAll('#messages li')].filter(it => it.scrollWidth > it.clientWidth + 1)"
    assert page.run(f"{wide}.length") == 0


def test_an_answer_is_an_inbound_message(page, box, send, session):
    send()
    open_thread(page)
    page.run("document.getElementById('answer').focus()")
    page.write("Thanks <b>a lot</b>")
    page.key("Enter")
    said(page, "has answered.")
    page.wait("document.querySelectorAll('#messages > li').length === 2")
    newest = walk(session, box, "/sms/inbound")[-1]
    assert (newest["from"], newest["body"]) == (NUMBER, "Thanks <b>a lot</b>")
    assert page.run("document.getElementById('answer').value") == ""


def test_a_stop_puts_the_number_on_the_opt_out_list(page, box, send, session):
    person = walk(session, box, f"/lists/{CUSTOMERS}/contacts")[0]["phone_number"]
    send({"to": person})
    open_thread(page, person)
    assert page.run("document.getElementById('opted-out').hidden")
    page.run("document.getElementById('stop').click()")
    said(page, "is on the Opt-Out List.")
    page.wait("!document.getElementById('opted-out').hidden")
    assert person in {row["phone_number"] for row in walk(session, box, f"/lists/{OPT_OUTS}/contacts")}
    send({"to": NUMBER})
    open_thread(page)
    page.run("document.getElementById('stop').click()")
    said(page, "stays as it was")


def test_clock_balance_and_faults(page, box, send, session):
    send()
    page.run("document.getElementById('controls').open = true")
    page.wait("document.getElementById('clock').textContent.includes('UTC, still')")
    page.run("document.getElementById('turn').requestSubmit()")
    said(page, "UTC now")
    assert box.state()["now"] == EPOCH + 3600
    box.control("POST", "balance", {"balance": "1"})
    page.run("document.getElementById('top-up').requestSubmit()")
    said(page, "21.00 USD")
    page.run("document.getElementById('kind').selectedIndex = 2")
    page.run("document.getElementById('fault').requestSubmit()")
    said(page, "waits for its request")
    page.wait("document.getElementById('orders').textContent.includes('5 seconds (/sms/send, once)')")
    answer = session.post(
        f"{box.api_url}/sms/send", json={"messages": [{"to": NUMBER, "body": "x"}]}, timeout=10
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    page.wait("document.getElementById('orders').textContent === ''")
    for kind in range(8):
        page.run(f"document.getElementById('kind').selectedIndex = {kind}")
        page.run("document.getElementById('fault').requestSubmit()")
        page.wait(f"document.querySelectorAll('#orders li').length === {kind + 1}")
    page.run("document.getElementById('clear').click()")
    said(page, "All faults are taken back")
    assert box.control("GET", "faults") == []
    page.run("document.getElementById('path').value = ''")
    page.run("document.getElementById('credit').value = 'much'")
    page.run("document.getElementById('top-up').requestSubmit()")
    assert box.control("GET", "threads")["balance"] == "21.000000"


def test_search_and_the_made_up_history(page, box, send):
    send({"body": "Your parcel"}, {"to": "+61412345679", "body": "Your code"})
    page.wait("document.querySelectorAll('#threads li').length === 2")
    page.run("document.getElementById('search').focus()")
    page.write("PARCEL")
    page.wait("document.getElementById('count').textContent === '1 conversation'")
    assert "Your code" not in page.text()
    page.run("document.getElementById('search').select()")
    page.write("nowhere")
    page.wait("document.getElementById('why').textContent.includes('holds that')")
    page.run("document.getElementById('search').value = ''")
    page.run("document.getElementById('made-up').click()")
    page.wait("document.querySelectorAll('#threads li').length === 50")
    page.run("document.getElementById('more').click()")
    page.wait("document.querySelectorAll('#threads li').length === 100")


def test_keys_are_enough(page, box, send, session):
    """From the address bar to an answer, and back."""
    send({"to": "+61412345679", "body": "First"}, {"body": "Second"})
    page.wait("document.querySelectorAll('#threads li').length === 2")
    page.key("Tab")
    assert page.focused() == "skip"
    page.key("Enter")
    assert page.focused() == "conversations"
    page.tab_to("it.closest('#threads')")
    assert "Second" in page.focused()
    outline = page.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.key("ArrowDown")
    assert "First" in page.focused()
    page.key("Enter")
    page.wait("document.activeElement.id === 'one-title'")
    assert page.run("document.querySelector('[aria-current=true]').textContent.includes('First')")
    page.tab_to("it.id === 'answer'")
    page.write("By keys")
    page.key("Enter", browser.SHIFT)
    page.write("alone")
    page.key("Enter")
    said(page, "has answered.")
    assert walk(session, box, "/sms/inbound")[-1]["body"] == "By keys\nalone"
    page.tab_to("it.id === 'stop'")
    page.key(" ")
    said(page, "has answered STOP")
    page.key("Escape")
    page.wait(
        "document.activeElement.closest('#threads') && document.activeElement.textContent.includes('STOP')"
    )
    page.tab_to("it.tagName === 'SUMMARY'", back=True)
    page.key("Enter")
    page.wait("document.getElementById('controls').open")
    page.tab_to("it.textContent === 'Turn the clock'")
    page.key("Enter")
    said(page, "UTC now")
    assert box.state()["now"] == EPOCH + 3600


def test_what_has_the_focus_keeps_it_while_messages_come(page, send):
    send({"to": "+61412345679", "body": "First"}, {"body": "Second"})
    page.wait("document.querySelectorAll('#threads li').length === 2")
    page.run(
        "[...document.querySelectorAll('#threads button')].find(it => /First/.test(it.textContent)).focus()"
    )
    send({"body": "Third"}, {"to": "+61412345679", "body": "Fourth"}, {"to": "+61412345670", "body": "Fifth"})
    page.wait("document.querySelectorAll('#threads li').length === 3")
    assert "Fourth" in page.focused()
    open_thread(page)
    page.run("document.getElementById('answer').focus()")
    page.write("half an ans")
    send({"body": "Sixth"})
    page.wait("document.getElementById('messages').textContent.includes('Sixth')")
    assert page.focused() == "answer"
    assert page.run("document.getElementById('answer').value") == "half an ans"


def test_everything_that_can_be_used_has_a_name(page, send):
    send()
    open_thread(page)
    page.run("document.getElementById('controls').open = true")
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    used = {
        "button",
        "textbox",
        "combobox",
        "spinbutton",
        "searchbox",
        "checkbox",
        "list",
        "region",
        "form",
        "search",
    }
    unnamed = [
        node["role"]["value"]
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in used - {"search"} and not node["name"]["value"]
    ]
    assert unnamed == []
    roles = {node["role"]["value"] for node in nodes if not node["ignored"]}
    assert {"main", "banner", "status", "button", "textbox", "searchbox", "heading"} <= roles


@pytest.mark.parametrize("dark", [False, True])
def test_everything_can_be_read(page, box, send, dark):
    """Text and what is behind it differ as WCAG AA asks."""
    send({}, {}, {"to": "<b>"})
    page.open(box.url, dark=dark)
    page.wait("document.querySelectorAll('#threads li').length === 2")
    open_thread(page)
    page.run("document.getElementById('controls').open = true")
    worst = page.run(CONTRAST)
    assert worst[0] >= 4.5, worst


def test_it_says_when_the_sandbox_is_gone(chromium):
    from clicksend.sandbox import Sandbox

    with Sandbox(messages=0, contacts=0) as box:
        chromium.open(box.url)
        chromium.wait("document.getElementById('balance').textContent.includes('USD')")
    said(chromium, "does not answer")


def test_a_page_of_another_site_cannot_post_or_frame_it(chromium, box):
    """Another port of this machine is another site's page, and the nearest to being let in."""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<iframe id=it src='{box.url}/'></iframe>".encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Foreign)
    Thread(target=server.serve_forever, daemon=True).start()
    before = box.state()
    try:
        chromium.open(f"http://localhost:{server.server_port}/")
        for how in (
            "{method: 'POST', mode: 'no-cors'}",
            "{method: 'POST', mode: 'no-cors', body: '{\"advance\": 60}'}",
            "{method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{\"advance\": 60}'}",
        ):
            for name in ("clock", "reset", "reply"):
                chromium.run(f"fetch('{box.url}/_sandbox/{name}', {how}).then(() => 1, () => 0)")
        chromium.run(
            "(async () => { const form = document.createElement('form'); form.method = 'POST';"
            f"form.target = 'it'; form.action = '{box.url}/_sandbox/reset'; document.body.append(form);"
            "form.submit(); await new Promise(done => setTimeout(done, 300)); })()"
        )
        assert (
            chromium.run("fetch('" + box.url + "/_sandbox/arrivals').then(() => 'read', () => 'refused')")
            == "refused"
        )
    finally:
        server.shutdown()
        server.server_close()
    assert box.state() == before
