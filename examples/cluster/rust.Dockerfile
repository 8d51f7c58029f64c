# The chat; built from the root of the repository. npm brings the browser client that it serves.
FROM rust:1-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /sio
COPY . .
RUN cargo build --release --locked -p chat

FROM debian:bookworm-slim
COPY --from=build /sio/target/release/chat /usr/local/bin/chat
# The program looks for the browser client where it was when it was built.
COPY --from=build /sio/target/release/build /sio/target/release/build
USER nobody
CMD ["chat"]
