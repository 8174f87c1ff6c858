"""The smallest proxy with FastAPI and aiohttp: no queue, bytes passed through as they come.

The same with httpx, which is what many write first, falls over at 1,000 connections.
"""

import os
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

UPSTREAM = os.environ["UPSTREAM"] + "/v1/chat/completions"


@asynccontextmanager
async def lifespan(app):
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        app.state.session = session
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/v1/chat/completions")
async def chat_completions(request: Request):
    body = await request.json()
    session = request.app.state.session
    if not body.get("stream"):
        async with session.post(UPSTREAM, json=body) as answer:
            return Response(await answer.read(), answer.status, media_type="application/json")
    answer = await session.post(UPSTREAM, json=body)

    async def pieces():
        try:
            async for piece in answer.content.iter_any():
                yield piece
        finally:
            answer.release()

    return StreamingResponse(pieces(), answer.status, media_type="text/event-stream")
