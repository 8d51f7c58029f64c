import { Chat } from "./chat.jsx";

// The page is made on the server, where nothing connects; the chat lives in the browser.
export default async function Page({ searchParams }) {
  const { server } = await searchParams;
  return <Chat server={server ?? process.env.NEXT_PUBLIC_SERVER} />;
}
