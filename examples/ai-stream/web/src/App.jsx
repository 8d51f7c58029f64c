import { useState } from "react";
import { useEstimate } from "./useEstimate.js";

const section = (header, keypoint) => ({
  children: [],
  header,
  keypoint,
  no_output: false,
  paragraph_id: header,
  paragraph_instruction: "in simple words",
});

const TASK = {
  task_id: 123,
  info: {
    outline: [
      section("Water", "that it is fresh, and how hot it gets"),
      section("Leaves", "how many there are, and how long they stay"),
      section("Guests", "who they are, and whether they want milk"),
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
