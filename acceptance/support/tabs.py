"""The tabs of a browser that show an answer while it is written, with a script and without.

A tab with a script does what `web/static/app.js` does: it takes from the page what is there,
follows the events, puts each piece of HTML where it belongs, and shows what is not sealed as the
tail. What it has is kept as text, so that in the end it can be compared byte by byte.
"""

import asyncio
import json
import re

import httpx2

from support.shown import Lie, article_of, without_parts

# Until a server says another time, as browsers have it.
RETRY_S = 3
# After the server has refused: `app.js` waits so long.
REFUSED_S = 2
# As long as a person takes to load a page again that could not be loaded.
AGAIN_S = 0.3
SCRIPT = "chappe_script=1"
CODE_ENDS = "</code>"


class Tab:
    """What one tab shows of an answer.

    `answer` says what is right; it is told all that is shown, each time that something changes.
    """

    def __init__(self, http, browser, answer):
        self._http = http
        self._browser = browser
        self._answer = answer
        self.body = self.thoughts = self.actions = ""
        self.how = ""

    def _get(self, path, script, headers=None):
        cookie = "; ".join([self._browser.session, *([SCRIPT] if script else [])])
        headers = {"cookie": cookie, **(headers or {})}
        return self._http.stream("GET", f"{self._browser.url}{path}", headers=headers)

    async def _load(self, script):
        """The page, in one piece; loaded again as often as that takes."""
        while True:
            try:
                async with self._get(self._answer.path, script) as answer:
                    page = (await answer.aread()).decode()
                if answer.status_code == 200:
                    return page
                if answer.status_code < 500:
                    raise Lie(f"the page of an answer has status {answer.status_code}")
            except httpx2.TransportError:
                pass
            self._answer.tells("page again")
            await asyncio.sleep(AGAIN_S)

    async def loads_afterwards(self):
        """The page of an answer that is over."""
        shown = article_of(await self._load(script=True))
        if shown.live:
            raise Lie("an answer was seen to its end, and its page says that it is being written")
        self.body, self.thoughts, self.actions = shown.body, shown.thoughts, shown.actions


class ScriptedTab(Tab):
    """One whose browser runs the page's script."""

    def __init__(self, http, browser, answer):
        super().__init__(http, browser, answer)
        # As in `app.js`: what is shown as the tail, and what the script believes that it is.
        self.tail = self._tail_html = ""
        # Where code goes on within the body, while it does.
        self._code_at = None
        self._live = self._cursor = None
        # Those of an EventSource, which a new one forgets.
        self._last_id, self.retry_s, self._from = "", RETRY_S, ""

    async def loads(self):
        """Loads the page, and forgets all that was there before."""
        self._live = None
        shown = article_of(await self._load(script=True))
        self.body, self.thoughts, self.actions = shown.body, shown.thoughts, shown.actions
        self.tail, self._tail_html = shown.tail, ""
        self._code_at = self.body.rindex(CODE_ENDS) if shown.in_code else None
        self._live, self._cursor = shown.live, shown.cursor
        if self._live:
            self._answer.is_loaded_at(self._cursor)
            self.turns_to()
        else:
            self.how = "done" if shown.actions else ""
        self._shows()

    def turns_to(self):
        """The tab comes to the front again: a new EventSource."""
        self._last_id, self.retry_s, self._from = "", RETRY_S, self._cursor

    async def follows(self):
        """Listens until the end, over as many connections as an EventSource makes."""
        while not self.how:
            try:
                refused = await self._listens()
            except httpx2.TransportError:
                refused = False
            if self.how:
                return
            # A server that closes the connection is asked again, as one that cannot be reached.
            self._answer.tells("refused" if refused else "connection again")
            await asyncio.sleep(REFUSED_S if refused else self.retry_s)
            if refused:
                self.turns_to()

    async def _listens(self):
        """One connection; whether it was refused."""
        headers = {"accept": "text/event-stream"}
        if self._last_id:
            headers["last-event-id"] = self._last_id
        async with self._get(f"{self._live}?from={self._from}", True, headers) as answer:
            kind = answer.headers.get("content-type", "")
            if answer.status_code != 200 or kind != "text/event-stream":
                return True
            self._tail_html = ""
            pending = b""
            async for piece in answer.aiter_bytes():
                *events, pending = (pending + piece).split(b"\n\n")
                for event in events:
                    self._hears(event.decode())
                    if self.how:
                        return False
        return False

    def _hears(self, event):
        id = data = None
        for line in event.split("\n"):
            name, _, value = line.partition(": ")
            if name == "retry":
                self.retry_s = int(value) / 1000
            elif name == "id":
                id = value
            elif name == "data":
                data = value
        if data is not None:
            self._last_id = self._cursor = id
            self._takes(json.loads(data))
            self._answer.is_at(self._cursor)

    def _takes(self, event):
        """`take` of `app.js`."""
        if event.get("anew"):
            self._answer.is_taken_away(self.body + self.tail)
            self.body = self.thoughts = self.tail = self._tail_html = ""
            self._code_at = None
        self.thoughts += event.get("thoughts", "")
        for place, more in event.get("add", []):
            self._adds(place, more)
        if "tail" in event:
            kept, more = event["tail"]
            self._tail_html = _first_units(self._tail_html, kept) + more
            self.tail = self._tail_html
        if "end" in event:
            self.how, self.actions = event["end"]["how"], event["end"]["actions"]
            self.tail = ""
        self._shows()

    def _adds(self, place, more):
        if place == "close":
            self._code_at = None
        elif place == "code" and self._code_at is not None:
            self.body = self.body[: self._code_at] + more + self.body[self._code_at :]
            self._code_at += len(more)
        else:
            self.body += more
        if place == "open":
            self._code_at = self.body.rindex(CODE_ENDS)

    def _shows(self):
        at = len(self.body) if self._code_at is None else self._code_at
        self._answer.is_shown(self.body[:at] + self.tail + self.body[at:], sealed=not self.tail)


class PlainTab(Tab):
    """One without a script: the page itself is read as it is written."""

    def __init__(self, http, browser, answer):
        super().__init__(http, browser, answer)
        self._page = ""

    async def loads(self):
        """Nothing is there until it is read."""

    async def follows(self):
        while not self.how:
            self._page = ""
            try:
                await self._reads()
            except httpx2.TransportError:
                pass
            if not self.how:
                # It breaks off in the middle, and a person loads it again.
                self._answer.tells("page again")
                await asyncio.sleep(AGAIN_S)

    async def _reads(self):
        async with self._get(self._answer.path, False) as answer:
            if answer.status_code != 200:
                if answer.status_code < 500:
                    raise Lie(f"the page of an answer has status {answer.status_code}")
                return
            pieces = []
            async for piece in answer.aiter_bytes():
                pieces.append(piece)
                so_far = article_of(b"".join(pieces).decode(errors="ignore"), cut=True)
                if so_far:
                    self._answer.is_shown(without_parts(so_far.body), sealed=False)
            self._page = b"".join(pieces).decode()
        if not re.search(r"</html>\s*$", self._page):
            raise Lie("a page without a script ends in the middle, its connection in good order")
        shown = article_of(self._page)
        self.body, self.thoughts = without_parts(shown.body), shown.thoughts
        self.actions = shown.actions
        if not self.actions:
            raise Lie("a page without a script is over, and its answer is not")
        self.how = "done"


def _first_units(text, units):
    """So much of a text as a script counts it, in UTF-16."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le")
