"""paho-mqtt against the nodes on the given ports: MQTT 3.1.1 and 5, each QoS, retained, a will,
a takeover, a session that lasts and a shared subscription."""

import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent import Agent

PORTS = [int(p) for p in sys.argv[1:]]

for version, name in ((mqtt.MQTTv311, "v311"), (mqtt.MQTTv5, "v5")):
    root = f"paho/{name}"
    sub = Agent(f"sub-{name}", PORTS[0], version)
    pub = Agent(f"pub-{name}", PORTS[1], version)
    sub.subscribe(f"{root}/+/data", 2)
    for qos in range(3):
        pub.publish(f"{root}/{qos}/data", f"payload {qos}", qos=qos)
    sub.expect(*((f"{root}/{q}/data", f"payload {q}", q, False) for q in range(3)))

    # From the subscriber's own node: the acknowledgement means that this node has the message, while another may
    # still be about to deliver it as a new one.
    sub.publish(f"{root}/kept", "still here", qos=1, retain=True)
    sub.subscribe(f"{root}/kept", 1)
    sub.expect((f"{root}/kept", "still here", 1, True))
    pub.publish(f"{root}/kept", "", qos=1, retain=True)
    sub.expect((f"{root}/kept", "", 1, False))

    # Another client takes the id over, on another node: the older connection is closed, and its will goes.
    sub.subscribe(f"{root}/will", 1)
    first = Agent(f"twin-{name}", PORTS[2], version, will=(f"{root}/will", "taken over", 1, False))
    first.client.reconnect_delay_set(min_delay=60, max_delay=120)
    second = Agent(f"twin-{name}", PORTS[3], version)
    assert first.disconnected.wait(60), "the older connection is still open"
    sub.expect((f"{root}/will", "taken over", 1, False))
    for agent in (second, first):
        agent.stop()

    # A session that lasts goes on, on another node, with what came while its client was away.
    session = Properties(PacketTypes.CONNECT)
    session.SessionExpiryInterval = 600
    away = Agent(f"away-{name}", PORTS[0], version, session=session)
    away.subscribe(f"{root}/away", 2)
    away.stop()
    for qos in (1, 2):
        pub.publish(f"{root}/away", f"message {qos}", qos=qos)
    back = Agent(f"away-{name}", PORTS[3], version, session=session)
    back.expect(*((f"{root}/away", f"message {qos}", qos, False) for qos in (1, 2)))

    # Of two members of a group, one gets each message.
    members = [Agent(f"member-{n}-{name}", PORTS[n], version) for n in range(2)]
    for member in members:
        member.subscribe(f"$share/group/{root}/shared", 1)
    for n in range(10):
        pub.publish(f"{root}/shared", str(n), qos=1)
    deadline = time.monotonic() + 60
    while sum(len(m.got) for m in members) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(g[1] for m in members for g in m.got) == [str(n) for n in range(10)], [m.got for m in members]
    for agent in (sub, pub, back, *members):
        agent.stop()

print("ok")
