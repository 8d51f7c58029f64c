import { useState } from "react";
import useSocket from "./useSocket.js";

export function App() {
  const { isConnected, messages, progress, connect, disconnect, sendMessage, upload } = useSocket(SERVER);
  const [text, setText] = useState("");
  const [uploaded, setUploaded] = useState("");

  function submit(event) {
    event.preventDefault();
    sendMessage(text);
    setText("");
  }

  async function choose({ target }) {
    try {
      const sha256 = await upload(target.files[0], (percent) => setUploaded(`${percent}%`));
      setUploaded(`100%, SHA-256 ${sha256}`);
    } catch (error) {
      setUploaded(error.message);
    }
    target.value = "";
  }

  return (
    <main>
      <button id="connect" disabled={isConnected} onClick={connect}>
        Connect
      </button>
      <button id="disconnect" disabled={!isConnected} onClick={disconnect}>
        Disconnect
      </button>
      <progress max="100" value={progress} /> <span id="progress">{progress}%</span>
      <form onSubmit={submit}>
        <input id="text" value={text} onChange={(event) => setText(event.target.value)} />{" "}
        <button disabled={!isConnected}>Send</button>
      </form>
      <p>
        <input id="file" type="file" disabled={!isConnected} onChange={choose} /> <span id="uploaded">{uploaded}</span>
      </p>
      <ol id="messages">
        {messages.map((message, index) => (
          <li key={index}>{message}</li>
        ))}
      </ol>
    </main>
  );
}
