# The node in Node.js; built from the root of the repository.
FROM node:22-bookworm-slim
WORKDIR /sio/examples/cluster
COPY examples/cluster/package.json examples/cluster/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY examples/cluster/node.mjs ./
COPY examples/chat/static ../chat/static
USER node
CMD ["node", "node.mjs"]
