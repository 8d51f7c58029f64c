"use client";

import { useEffect, useRef, useState } from "react";
import { io } from "socket.io-client";

/** `server`: an origin of its own, or nothing for the page's. */
export function Chat({ server }) {
  const socket = useRef(null);
  const [state, setState] = useState("connecting");
  const [lines, setLines] = useState([]);

  // Effects run in the browser alone: while Next.js makes the page, nothing connects.
  useEffect(() => {
    const client = io(server, { path: "/api/socket", addTrailingSlash: false });
    socket.current = client;
    const show = () => setState(`connected by ${client.io.engine.transport.name}`);
    client.on("connect", () => {
      show();
      client.io.engine.once("upgrade", show);
    });
    client.on("connect_error", (error) => setState(error.message));
    client.on("disconnect", setState);
    client.on("said", (text) => setLines((lines) => [...lines, text].slice(-100)));
    return () => client.disconnect();
  }, [server]);

  function say(event) {
    event.preventDefault();
    socket.current.emit("say", new FormData(event.target).get("text"));
    event.target.reset();
  }

  return (
    <main>
      <p id="state">{state}</p>
      <form onSubmit={say}>
        <input name="text" autoComplete="off" /> <button>Say</button>
      </form>
      <ol id="lines">
        {lines.map((line, index) => (
          <li key={index}>{line}</li>
        ))}
      </ol>
    </main>
  );
}
