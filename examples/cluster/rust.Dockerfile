# The chat; built from the root of the repository. npm brings the browser client that it serves.
FROM rust:1-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /sio
COPY . .
RUN cargo build --release --locked -p chat
RUN cp -r target/release/build/chat-*/out/client-*/node_modules/socket.io-client /client

FROM debian:bookworm-slim
COPY --from=build /sio/target/release/chat /usr/local/bin/chat
COPY --from=build /client /usr/share/socket.io-client
ENV CHAT_IO_CLIENT_DIR=/usr/share/socket.io-client
USER nobody
CMD ["chat"]
