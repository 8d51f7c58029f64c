import { useRef, useState } from "react";
import { useSocket } from "./useSocket.js";

export function App() {
  const { connected, progress, messages, connect, disconnect, send, upload } = useSocket(SERVER);
  const [uploaded, setUploaded] = useState("");
  const text = useRef(null);

  function submit(event) {
    event.preventDefault();
    send(text.current.value);
    text.current.value = "";
  }

  async function choose({ target }) {
    try {
      await upload(target.files[0], (percent) => setUploaded(`${percent}%`));
    } catch (error) {
      setUploaded(error.message);
    }
  }

  return (
    <main>
      <button id="connect" disabled={connected} onClick={connect}>
        Connect
      </button>
      <button id="disconnect" disabled={!connected} onClick={disconnect}>
        Disconnect
      </button>
      <progress id="progress" max="100" value={progress} /> <span id="percent">{progress}%</span>
      <form onSubmit={submit}>
        <input id="text" ref={text} disabled={!connected} /> <button disabled={!connected}>Send</button>
      </form>
      <p>
        <input id="file" type="file" disabled={!connected} onChange={choose} /> <span id="uploaded">{uploaded}</span>
      </p>
      <ol id="messages">
        {messages.map((message, index) => (
          <li key={index}>{message}</li>
        ))}
      </ol>
    </main>
  );
}
