const server = process.env.SERVER ?? "http://127.0.0.1:3001";

export default {
  // One domain for the page and the server: what the browser asks of this path goes on to the server.
  async rewrites() {
    return [{ source: "/api/socket", destination: `${server}/api/socket` }];
  },
};
