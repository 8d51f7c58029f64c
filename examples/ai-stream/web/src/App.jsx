import { useState } from "react";
import { useEstimate } from "./useEstimate.js";

const TASK = {
  task_id: 123,
  info: {
    outline: [
      {
        children: [],
        header: "Tea",
        keypoint: "the water, and how long one waits",
        no_output: false,
        paragraph_id: "aaabbb1",
        paragraph_instruction: "in simple words",
      },
    ],
    tags: [],
    docs: [],
    title: "How to make tea",
    instruction: "",
  },
};

export function App() {
  const [token, setToken] = useState("demo-token");
  const { state, text, busy, start, stop, cut } = useEstimate(token);
  return (
    <main>
      <p>
        Token <input id="token" value={token} onChange={(event) => setToken(event.target.value)} />{" "}
        <span id="state">{state}</span>
      </p>
      <button id="start" disabled={busy} onClick={() => start(TASK)}>
        Write
      </button>
      <button id="stop" disabled={!busy} onClick={stop}>
        Stop
      </button>
      <button id="cut" onClick={cut}>
        Cut the connection
      </button>
      <p id="text">{text}</p>
    </main>
  );
}
