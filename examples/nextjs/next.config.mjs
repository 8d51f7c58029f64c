// Read by `next dev` when it starts, and by `next build` for good: the built page asks the server of that time.
const server = process.env.SERVER ?? "http://127.0.0.1:3001";

export default {
  // One domain for the page and the server: what the browser asks of this path goes on to the server, WebSockets too
  // since Next.js passes upgrades on (16 does, `next dev` and `next start` alike). A request that is passed on has 30
  // seconds: a poll ends before, for the server pings every 25.
  async rewrites() {
    return [{ source: "/api/socket", destination: `${server}/api/socket` }];
  },
  turbopack: { root: import.meta.dirname },
};
