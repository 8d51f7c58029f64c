import { useEffect, useRef, useState } from "react";
import { io } from "socket.io-client";

const CHUNK = 64 * 1024;
const TIMEOUT_MS = 10_000;

/** A connection that buttons open and close, and what it says. */
export default function useSocket(url, autoConnect = false) {
  const socket = useRef(null);
  const [isConnected, setIsConnected] = useState(false);
  const [messages, setMessages] = useState([]);
  const [progress, setProgress] = useState(0);

  useEffect(() => {
    const client = io(url, { autoConnect });
    socket.current = client;
    const log = (text) => setMessages((messages) => [...messages, text].slice(-200));
    client.on("connect", () => {
      setIsConnected(true);
      log("Connected!");
    });
    client.on("disconnect", (reason) => {
      setIsConnected(false);
      log(`Disconnected: ${reason}`);
    });
    client.on("connect_error", (error) => log(error.message));
    client.on("message", log);
    client.on("progress", setProgress);
    // The page goes, or another server is meant: a connection that nobody sees is of no use.
    return () => client.disconnect();
  }, [url, autoConnect]);

  return {
    isConnected,
    messages,
    progress,
    connect: () => socket.current.connect(),
    disconnect: () => socket.current.disconnect(),
    sendMessage: (text) => socket.current.send(text),
    upload: (file, onPercent) => upload(socket.current, file, onPercent),
  };
}

/** Sends a file piece by piece, each when the one before it is answered; resolves to its hash on the server. */
async function upload(socket, file, onPercent) {
  const ask = async (...args) => {
    const answer = await socket.timeout(TIMEOUT_MS).emitWithAck(...args);
    if (answer?.error) throw new Error(answer.error.message);
    return answer;
  };
  await ask("file", { name: file.name, size: file.size });
  for (let offset = 0; ; offset += CHUNK) {
    const bytes = await file.slice(offset, offset + CHUNK).arrayBuffer();
    const { percent, sha256 } = await ask("chunk", offset, bytes);
    onPercent(percent);
    if (sha256) return sha256;
  }
}
