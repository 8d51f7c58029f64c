"""Scenarios of python-socketio's client; the server is described in tests/interop/reference-server.mjs.

    client.py URL sync|asyncio polling|websocket|upgrade SCENARIO...

Prints `ok SCENARIO`, or `not ok SCENARIO` with the traceback on one line. Every wait has a deadline.
`restart` prints `connected` when the server may be ended and started again.
"""

import asyncio
import json
import os
import sys
import traceback
import uuid
from urllib.parse import urlencode

import engineio
import socketio

DEADLINE = 10
# The client takes 16 packets of one poll unless told otherwise.
engineio.payload.Payload.max_decode_packets = 10_000
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}
NESTED = {"a": b"\x01\x02\x03", "list": [b"", "é", b"\xff"], "deep": {"b": b"\x00"}}


class Client:
    """One client of either kind behind coroutines; what arrives is kept by event."""

    def __init__(self, url, kind, transport, **options):
        self.url, self.transport, self.is_async = url, transport, kind == "asyncio"
        self.loop = asyncio.get_running_loop()
        self.queues = {}
        self.answers = {}
        options = {"reconnection": False, "reconnection_delay": 0.05, "reconnection_delay_max": 0.2, **options}
        self.sio = (socketio.AsyncClient if self.is_async else socketio.Client)(**options)

    async def run(self, method, *args, **options):
        if self.is_async:
            return await asyncio.wait_for(method(*args, **options), DEADLINE)
        return await asyncio.wait_for(asyncio.to_thread(method, *args, **options), DEADLINE)

    def queue(self, namespace, event):
        return self.queues.setdefault((namespace, event), asyncio.Queue())

    def listen(self, namespace):
        def keep(event, *args):
            self.loop.call_soon_threadsafe(self.queue(namespace, event).put_nowait, args)
            answer = self.answers.get(event)
            return None if answer is None else answer(*args)

        async def keep_async(event, *args):
            return keep(event, *args)

        def later(event):
            if self.is_async:
                async def handler(*args):
                    keep(event, *args)
            else:
                def handler(*args):
                    keep(event, *args)
            return handler

        self.sio.on("*", keep_async if self.is_async else keep, namespace=namespace)
        for event in ["connect", "connect_error", "disconnect"]:
            self.sio.on(event, later(event), namespace=namespace)

    async def connect(self, namespaces=("/",), auth=None, query=None):
        for namespace in namespaces:
            self.listen(namespace)
        url = self.url if query is None else f"{self.url}?{urlencode(query)}"
        await self.run(
            self.sio.connect, url, transports=TRANSPORTS[self.transport], namespaces=list(namespaces), auth=auth
        )
        return self

    async def next(self, event, namespace="/"):
        return await asyncio.wait_for(self.queue(namespace, event).get(), DEADLINE)

    async def emit(self, event, data=None, namespace="/"):
        await self.run(self.sio.emit, event, data, namespace=namespace)

    async def call(self, event, data=None, namespace="/"):
        return await self.run(self.sio.call, event, data, namespace=namespace, timeout=DEADLINE)

    async def close(self):
        # The blocking client may end the thread that writes before its goodbye is written; over polling it
        # then waits for an answer that nobody owes it.
        await asyncio.wait([asyncio.ensure_future(self.run(self.sio.disconnect))], timeout=1)

    def id(self, namespace="/"):
        return self.sio.get_sid(namespace)


class Scenarios:
    def __init__(self, url, kind, transport):
        self.make = lambda **options: Client(url, kind, transport, **options)
        self.transport = transport

    async def refused(self):
        client = self.make()
        try:
            await client.connect(["/guarded"], auth={"token": "wrong"})
            raise AssertionError("connected")
        except socketio.exceptions.ConnectionError:
            pass
        (error,) = await client.next("connect_error", "/guarded")
        assert error == {"message": "not authorized", "data": {"code": 401, "hint": "token"}}, error

    async def unknown_namespace(self):
        client = self.make()
        try:
            await client.connect(["/unknown"])
            raise AssertionError("connected")
        except socketio.exceptions.ConnectionError:
            pass
        (error,) = await client.next("connect_error", "/unknown")
        assert error == {"message": "Invalid namespace"}, error

    async def events_and_acks(self):
        client = await self.make().connect()
        expected = "polling" if self.transport == "polling" else "websocket"
        assert client.sio.transport() == expected
        assert await client.call("echo", "hello") == "hello"
        assert await client.call("echo", ("a", {"b": [1, None]})) == ("a", {"b": [1, None]})
        assert await client.call("ack-none") is None
        await client.emit("echo", (1, "two", [3], {"four": None}, False))
        assert await client.next("echo") == (1, "two", [3], {"four": None}, False)
        client.answers["question"] = lambda value: {"answer": value}
        asked = await client.call("ask", ("q", 5000))
        assert asked == {"id": client.id(), "outcome": "answer", "answer": {"answer": "q"}}, asked
        await client.close()

    async def order(self):
        client = await self.make().connect()
        assert await client.call("count", 500) == 500
        assert [(await client.next("n"))[0] for _ in range(500)] == list(range(500))
        for i in range(200):
            await client.emit("item", i)
        assert await client.call("items") == list(range(200))
        await client.close()

    async def texts(self):
        client = await self.make().connect()
        for text in ["", "é€", "😀 \U00010000", "\u2028\u0000\"\\", "てすと" * 1000]:
            assert await client.call("echo", text) == text
            assert await client.call("describe", text) == [f"string:{len(text.encode())}"]
        await client.close()

    async def binary(self):
        client = await self.make().connect()
        data = bytes(range(256))
        assert await client.call("echo", {"a": data, "list": [b"", "é"]}) == {"a": data, "list": [b"", "é"]}
        await client.emit("echo", (data, "text", data))
        assert await client.next("echo") == (data, "text", data)
        made = await client.call("make-binary", 100_000)
        assert made == bytes(i % 256 for i in range(100_000))
        assert await client.call("describe", made) == ["binary:100000"]
        assert await client.call("make-nested") == NESTED
        client.answers["question"] = lambda value: value + value
        assert (await client.call("ask", (b"\x01\x02", 5000)))["answer"] == b"\x01\x02\x01\x02"
        await client.close()

    async def handshake(self):
        client = await self.make().connect(["/guarded"], {"token": "secret", "k": "é"}, {"a": "b c&"})
        handshake = await client.call("handshake", namespace="/guarded")
        assert handshake["auth"] == {"token": "secret", "k": "é"}, handshake
        assert handshake["query"]["a"] == "b c&", handshake
        assert handshake["query"]["EIO"] == "4", handshake
        await client.close()

    async def namespaces(self):
        client = await self.make().connect(["/", "/second"])
        assert client.id("/") != client.id("/second")
        assert await client.call("rooms", namespace="/second") == [client.id("/second")]
        await client.emit("item", "second", "/second")
        assert await client.call("items") == []
        assert await client.call("items", namespace="/second") == ["second"]
        await client.close()

    async def rooms(self):
        first, second, third = [await self.make().connect() for _ in range(3)]
        room = str(uuid.uuid4())
        await first.call("join", room)
        await second.call("join", room)
        assert await third.call("members", room) == sorted([first.id(), second.id()])
        payload = {"bytes": b"\x01\x02", "text": "é"}
        await first.call("cast", ({"to": [room]}, "said", payload))
        assert await second.next("said") == (payload,)
        await third.call("cast", ({"to": [room], "except": [second.id()]}, "said", 2))
        assert await first.next("said") == (2,)
        for client in [first, second, third]:
            await client.call("ack-none")
            assert client.queue("/", "said").empty()
            await client.close()

    async def ends(self):
        watch = await self.make().connect(["/watch"])

        async def reason(socket_id):
            while True:
                (record,) = await watch.next("gone", "/watch")
                if record["id"] == socket_id and record["stage"] == "disconnect":
                    return record["reason"]

        for event, data, of_server in [
            ("kick", False, "server namespace disconnect"),
            ("kick", True, "server namespace disconnect"),
            ("drop-me", None, "forced close"),
        ]:
            client = await self.make().connect()
            socket_id = client.id()
            await client.emit(event, data)
            await client.next("disconnect")
            assert await reason(socket_id) == of_server
        if self.transport != "polling":
            client = await self.make().connect()
            socket_id = client.id()
            await client.close()
            assert await reason(socket_id) in ["client namespace disconnect", "transport close"]
        await watch.close()

    async def restart(self):
        client = await self.make(reconnection=True).connect()
        await client.next("connect")
        before = client.id()
        print("connected", flush=True)
        await client.next("disconnect")
        await client.next("connect")
        assert client.id() != before
        assert await client.call("echo", "again") == "again"
        await client.close()


async def main():
    url, kind, transport, *names = sys.argv[1:]
    scenarios = Scenarios(url, kind, transport)
    for name in names:
        try:
            await asyncio.wait_for(getattr(scenarios, name)(), 3 * DEADLINE)
            print("ok", name, flush=True)
        except Exception:
            print("not ok", name, json.dumps(traceback.format_exc()), flush=True)
    # Threads of clients that could not say goodbye are not waited for.
    os._exit(0)


asyncio.run(main())
