#!/usr/bin/env python3
"""Who was first? Bidders on all nodes bid at once, at QoS 2; the first bid in the stream wins.

No auctioneer: everybody who listens, on any node, takes the first bid that it gets for a task, and all of them
name the same winner.
"""

import argparse
import collections
import threading

from agent import client, connect


class Listener:
    """Keeps the first bid for each task, as one node delivered it."""

    def __init__(self, host, port, expected):
        self.port = port
        self.winners = {}
        self.bids = collections.Counter()
        self.complete = threading.Event()
        self.expected = expected
        self.client = client(f"listener-{port}")
        self.client.on_message = self.on_message
        connect(self.client, host, port, ["task/+/bid"])

    def on_message(self, _client, _userdata, message):
        task = message.topic.split("/")[1]
        self.winners.setdefault(task, message.payload.decode())
        self.bids[task] += 1
        if sum(self.bids.values()) == self.expected:
            self.complete.set()


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--host", default="127.0.0.1")
    args.add_argument("--ports", type=int, nargs="+", default=[1883])
    args.add_argument("--bidders", type=int, default=8)
    args.add_argument("--rounds", type=int, default=5)
    args = args.parse_args()

    listeners = [Listener(args.host, port, args.bidders * args.rounds) for port in args.ports]
    bidders = [
        connect(client(f"bidder-{i}"), args.host, args.ports[i % len(args.ports)]) for i in range(args.bidders)
    ]
    start = threading.Barrier(args.bidders)

    def bid(i):
        for task in range(args.rounds):
            start.wait()
            bidders[i].publish(f"task/{task}/bid", f"bidder-{i}", qos=2).wait_for_publish()

    threads = [threading.Thread(target=bid, args=(i,)) for i in range(args.bidders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for listener in listeners:
        if not listener.complete.wait(60):
            raise SystemExit(f"port {listener.port}: {sum(listener.bids.values())} bids of {listener.expected}")
    for agent in bidders + [listener.client for listener in listeners]:
        agent.disconnect()
        agent.loop_stop()

    for task in sorted(listeners[0].winners, key=int):
        winners = [listener.winners[task] for listener in listeners]
        if len(set(winners)) != 1:
            raise SystemExit(f"task {task}: the nodes disagree: {winners}")
        print(f"task {task}: {winners[0]} won, on {len(winners)} nodes alike")
    if any(count != args.bidders for listener in listeners for count in listener.bids.values()):
        raise SystemExit("a bid was delivered twice or not at all")


if __name__ == "__main__":
    main()
