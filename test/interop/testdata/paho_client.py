"""paho-mqtt against the nodes on the given ports: MQTT 3.1.1 and 5, each QoS, retained, a will and a takeover."""

import sys
import threading
import time

import paho.mqtt.client as mqtt

PORTS = [int(p) for p in sys.argv[1:]]


def client(name, version):
    if hasattr(mqtt, "CallbackAPIVersion"):  # paho-mqtt 2
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, name, protocol=version)
    return mqtt.Client(name, protocol=version)


class Agent:
    """A connected client that records what it receives."""

    def __init__(self, name, port, version, will=None):
        self.got, self.news = [], threading.Condition()
        self.connected, self.subscribed = threading.Event(), threading.Event()
        self.disconnected = threading.Event()
        self.client = client(name, version)
        self.client.on_connect = lambda *_: self.connected.set()
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_disconnect = lambda *_: self.disconnected.set()
        self.client.on_message = self.on_message
        if will:
            self.client.will_set(*will)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.connected.wait(60), f"{name}: no CONNACK"

    def on_message(self, _client, _userdata, message):
        with self.news:
            self.got.append((message.topic, message.payload.decode(), message.qos, bool(message.retain)))
            self.news.notify_all()

    def subscribe(self, topic, qos):
        self.subscribed.clear()
        self.client.subscribe(topic, qos)
        assert self.subscribed.wait(60), f"no SUBACK for {topic}"

    def publish(self, *args, **kwargs):
        self.client.publish(*args, **kwargs).wait_for_publish()

    def expect(self, *want):
        deadline = time.monotonic() + 60
        with self.news:
            while len(self.got) < len(want) and time.monotonic() < deadline:
                self.news.wait(1)
            assert self.got == list(want), f"got {self.got}, want {list(want)}"
            self.got = []

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


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
    for agent in (sub, pub, second, first):
        agent.stop()

print("ok")
