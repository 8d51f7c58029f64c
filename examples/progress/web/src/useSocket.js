import { useCallback, useEffect, useRef, useState } from "react";
import { io } from "socket.io-client";

const CHUNK = 64 * 1024;

/** A connection that buttons open and close, with what it says. */
export function useSocket(url) {
  const socket = useRef(null);
  const [connected, setConnected] = useState(false);
  const [progress, setProgress] = useState(0);
  const [messages, setMessages] = useState([]);

  useEffect(() => {
    const client = io(url, { autoConnect: false });
    socket.current = client;
    const log = (text) => setMessages((messages) => [...messages, text].slice(-200));
    client.on("connect", () => {
      setConnected(true);
      log("Connected!");
    });
    client.on("disconnect", (reason) => {
      setConnected(false);
      log(`Disconnected: ${reason}`);
    });
    client.on("connect_error", (error) => log(error.message));
    client.on("message", log);
    client.on("progress", setProgress);
    return () => client.disconnect();
  }, [url]);

  const connect = useCallback(() => socket.current.connect(), []);
  const disconnect = useCallback(() => socket.current.disconnect(), []);
  const send = useCallback((text) => socket.current.send(text), []);

  /** Sends a file piece by piece; each answer says how much has arrived, and the next piece waits for it. */
  const upload = useCallback(async (file, onPercent) => {
    const begun = await socket.current.timeout(10_000).emitWithAck("file", { name: file.name, size: file.size });
    if (begun?.error) throw new Error(begun.error.message);
    for (let start = 0; start < file.size; start += CHUNK) {
      const bytes = await file.slice(start, start + CHUNK).arrayBuffer();
      const percent = await socket.current.timeout(10_000).emitWithAck("chunk", bytes);
      if (percent.error) throw new Error(percent.error.message);
      onPercent(percent);
    }
  }, []);

  return { connected, progress, messages, connect, disconnect, send, upload };
}
