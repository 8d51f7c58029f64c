import { Chat } from "../chat.jsx";

// Another origin: the browser asks the server itself, which allows this page by CORS.
export const dynamic = "force-dynamic"; // The address is read when the page is asked for, not when it is built.

export default function Page() {
  return <Chat server={process.env.SERVER ?? "http://127.0.0.1:3001"} />;
}
