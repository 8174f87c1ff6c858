"""A browser that asks a question on the chat page, as a form does without a script."""

import asyncio
import html
import re

import httpx2

from support.shown import Lie
from support.tabs import AGAIN_S

# What `POST /chat` gives when it was taken: the page of the answer.
PAGE = re.compile(r"(/c/(conv_\w+)\?at=(resp_\w+))#latest")
DRAFT = re.compile(r'<textarea id="prompt"[^>]*>(.*?)</textarea>', re.S)


class Browser:
    """One session."""

    def __init__(self, http, url):
        self.url = url
        self.session = ""
        # How often a question had to be sent again: by the browser, which was cut off, and by a
        # person, to whom the page has given back what was written.
        self.sent_again = self.given_back = 0
        self._http = http

    async def asks(self, prompt):
        """Asks in a new chat, as often as that takes, and gives the path of the answer's page."""
        page = await self._home()
        fields = {"prompt": prompt, "model": "simulator", "preset": "balanced", "instructions": ""}
        while True:
            form = fields | _hidden(page)
            try:
                headers = {"cookie": self.session, "sec-fetch-site": "same-origin"}
                url = f"{self.url}/chat"
                answer = await self._http.post(url, data=form, headers=headers)
            except httpx2.TransportError:
                self.sent_again += 1
                await asyncio.sleep(AGAIN_S)
                continue
            if answer.status_code == 303:
                return PAGE.fullmatch(answer.headers["location"])[1]
            if "x-served-by" in answer.headers and (draft := DRAFT.search(answer.text)):
                if html.unescape(draft[1]).strip() != prompt.strip():
                    raise Lie(f"what was written is not given back: {draft[1][:80]!r}")
                self.given_back += 1
                page = answer.text
            elif answer.status_code < 500:
                raise Lie(f"a question has status {answer.status_code}: {answer.text[:200]}")
            else:
                # The proxy's own words.
                self.sent_again += 1
            await asyncio.sleep(AGAIN_S)

    async def _home(self):
        while True:
            try:
                answer = await self._get("/")
                if answer.status_code == 200:
                    self.session = answer.headers["set-cookie"].partition(";")[0]
                    return answer.text
            except httpx2.TransportError:
                pass
            await asyncio.sleep(AGAIN_S)

    async def _get(self, path):
        headers = {"cookie": self.session} if self.session else {}
        return await self._http.get(f"{self.url}{path}", headers=headers)


def _hidden(page):
    """The hidden fields of the form that a page ends with."""
    form = page[page.rindex(' id="composer"') :]
    field = r'<input type="hidden" name="(\w+)" autocomplete="off" value="([^"]*)"'
    fields = re.findall(field, form)
    return {name: html.unescape(value) for name, value in fields}
