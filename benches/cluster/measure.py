#!/usr/bin/env python3
"""CPU time per delivery of a broadcast over two nodes and one Redis.

  measure.py --load target/release/load NAME='COMMAND --port {port} --redis {redis}' ...

For each command in turn, for some rounds: starts a Redis, two nodes and a HAProxy that gives every other
connection to the second node, runs the load generator through it, and prints what the two nodes and Redis
spent while it measured. Everything listens on loopback and is ended by its process id.
`cargo build --release -p load` builds the load generator.
"""
import argparse, json, os, shlex, signal, socket, statistics, subprocess, tempfile, threading, time

SCENARIOS = {
    "bc1000": "bc1000",
    "bcbin": "bcbin",
    "bc100": "bc1000 --clients 100",
    "room": "room",
}
PROXY = """
global
  maxconn 8192
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend in
  bind 127.0.0.1:{port}
  default_backend nodes
backend nodes
  balance roundrobin
  server a 127.0.0.1:{a}
  server b 127.0.0.1:{b}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None:
                raise RuntimeError(f"ended at once: {process.args}")
            time.sleep(0.05)
    raise RuntimeError(f"not ready: {process.args}")


def cpu(pid):
    """Nanoseconds on a CPU of all threads."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
                total += int(f.read().split()[0])
        except FileNotFoundError:
            pass
    return total


def once(command, scenario, args):
    running = []

    def start(argv):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running.append(subprocess.Popen(argv, **quiet))
        return running[-1]

    with tempfile.TemporaryDirectory() as folder:
        try:
            redis, a, b, port = (free_port() for _ in range(4))
            store = start(["redis-server", "--port", str(redis), "--bind", "127.0.0.1",
                           "--save", "", "--appendonly", "no", "--dir", folder])
            wait_for(redis, store)
            nodes = []
            for at in (a, b):
                line = command.format(port=at, redis=f"redis://127.0.0.1:{redis}")
                nodes.append(start(shlex.split(line)))
                wait_for(at, nodes[-1])
            config = os.path.join(folder, "haproxy.cfg")
            with open(config, "w") as f:
                f.write(PROXY.format(port=port, a=a, b=b))
            wait_for(port, start(["haproxy", "-db", "-f", config]))
            time.sleep(0.5)
            watched = [node.pid for node in nodes] + [store.pid]
            samples, done = [], threading.Event()

            def sample():
                while not done.wait(0.05):
                    samples.append((time.monotonic(), [cpu(pid) for pid in watched]))

            sampler = threading.Thread(target=sample)
            sampler.start()
            load = [args.load, *SCENARIOS[scenario].split(), "--url", f"http://127.0.0.1:{port}",
                    "--pid", str(nodes[0].pid), "--secs", str(args.secs), "--warmup", "1"]
            run = subprocess.run(load, capture_output=True, text=True, timeout=180)
            end = time.monotonic()
            done.set()
            sampler.join()
            result = json.loads(run.stdout)
            # What the load generator measured, without its edges.
            window = [s for s in samples if end - args.secs < s[0] < end - 0.3]
            (t0, first), (t1, last) = window[0], window[-1]
            deliveries = result["rate"] * (t1 - t0)
            spent = [(y - x) / 1000 / deliveries for x, y in zip(first, last)]
            return {"nodes": spent[0] + spent[1], "redis": spent[2], "rate": result["rate"],
                    "p50": result["p50_us"], "p99": result["p99_us"], "errors": result["errors"]}
        finally:
            for process in reversed(running):
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
            for process in running:
                try:
                    process.wait(3)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--load", required=True)
    parser.add_argument("--scenarios", default="bc1000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secs", type=float, default=4)
    args = parser.parse_args()
    servers = dict(server.split("=", 1) for server in args.servers)
    for scenario in args.scenarios.split(","):
        rows = {name: [] for name in servers}
        for _ in range(args.rounds):
            for name, command in servers.items():
                rows[name].append(once(command, scenario, args))
        print(f"\n{scenario}: `{SCENARIOS[scenario]}`\n")
        print("| nodes | CPU us/delivery | min..max | Redis us/delivery | deliveries/s | p50 us | p99 us | errors |")
        print("|---|---|---|---|---|---|---|---|")
        for name, results in rows.items():
            median = {key: statistics.median(r[key] for r in results) for key in results[0]}
            spread = [r["nodes"] for r in results]
            print(f"| {name} | {median['nodes']:.2f} | {min(spread):.2f}..{max(spread):.2f} "
                  f"| {median['redis']:.3f} | {median['rate']:,.0f} | {median['p50']:,.0f} "
                  f"| {median['p99']:,.0f} | {median['errors']:.0f} |", flush=True)


main()
