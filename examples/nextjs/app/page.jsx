import { Chat } from "./chat.jsx";

// One domain: the browser asks the page's own origin, and Next.js passes it on; see next.config.mjs.
export default function Page() {
  return <Chat />;
}
