import { useCallback, useEffect, useRef, useState } from "react";
import { io } from "socket.io-client";

/** A connection to `/chat`, what it says, and the text that is being written. */
export function useEstimate(token) {
  const socket = useRef(null);
  const [state, setState] = useState("connecting");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    // To see that each way streams: `?transports=polling`.
    const transports = new URLSearchParams(location.search).get("transports")?.split(",");
    // `extraHeaders` with a bearer token works while polling: a page's WebSocket has no headers of its own.
    const chat = io("/chat", { auth: { token }, ...(transports && { transports }) });
    socket.current = chat;
    chat.on("connect", () => {
      setState(chat.recovered ? "connected again" : "connected");
      // Nothing more comes of what another connection asked for.
      if (!chat.recovered) setBusy(false);
    });
    chat.on("connect_error", (error) => setState(error.message));
    chat.on("disconnect", (reason) => setState(`disconnected: ${reason}`));
    chat.on("estimate_response", ({ data }) => setText((text) => text + data));
    // No ack: a client that was away meanwhile would not get it.
    chat.on("estimate_done", () => setBusy(false));
    chat.on("exception", ({ message }) => {
      setState(message);
      setBusy(false);
    });
    return () => chat.disconnect();
  }, [token]);

  const start = useCallback((task) => {
    setText("");
    setBusy(true);
    socket.current.emit("estimate", task);
  }, []);

  const stop = useCallback(() => socket.current.emit("cancel"), []);
  // As if the network went away for a moment.
  const cut = useCallback(() => socket.current.io.engine.close(), []);

  return { state, text, busy, start, stop, cut };
}
