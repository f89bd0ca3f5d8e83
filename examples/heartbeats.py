#!/usr/bin/env python3
"""Who is alive? Each agent beats; when it dies, its will says so, and every watcher learns it at the same place.

One agent is cut off without a DISCONNECT. The watchers, one on each node, must see the same beats and the same
death in the same order.
"""

import argparse
import socket
import threading
import time

from agent import client, connect


def watcher(host, port, log, gone):
    def on_message(_client, _userdata, message):
        log.append((message.topic, message.payload.decode()))
        if message.payload == b"gone":
            gone.set()

    agent = client(f"watcher-{port}")
    agent.on_message = on_message
    return connect(agent, host, port, ["swarm/+/alive"])


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--host", default="127.0.0.1")
    args.add_argument("--ports", type=int, nargs="+", default=[1883])
    args.add_argument("--agents", type=int, default=4)
    args = args.parse_args()

    logs, gone, watchers = [], [], []
    for port in args.ports:
        log, event = [], threading.Event()
        logs.append(log)
        gone.append(event)
        watchers.append(watcher(args.host, port, log, event))

    agents = []
    for i in range(args.agents):
        agent = client(f"agent-{i}")
        agent.will_set(f"swarm/agent-{i}/alive", "gone", qos=2)
        agents.append(connect(agent, args.host, args.ports[i % len(args.ports)]))
    for beat in range(3):
        for i, agent in enumerate(agents):
            agent.publish(f"swarm/agent-{i}/alive", f"beat {beat}", qos=1).wait_for_publish()
        time.sleep(0.1)

    agents[-1].loop_stop()  # the machine is gone: no DISCONNECT, and nobody to connect again
    agents[-1].socket().shutdown(socket.SHUT_RDWR)
    for event in gone:
        if not event.wait(30):
            raise SystemExit("a watcher did not learn of the death")
    for agent in agents[:-1] + watchers:
        agent.disconnect()
        agent.loop_stop()

    if any(log != logs[0] for log in logs):
        raise SystemExit("the watchers disagree")
    for topic, payload in logs[0]:
        print(topic, payload)
    print(f"{len(logs)} watchers saw the same {len(logs[0])} messages in the same order")


if __name__ == "__main__":
    main()
