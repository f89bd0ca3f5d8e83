"""An agent is a connected paho-mqtt client that records what it receives."""

import os
import threading
import time

import paho.mqtt.client as mqtt


def client(name, version, **options):
    options["transport"] = os.environ.get("TRANSPORT", "tcp")  # or websockets
    if hasattr(mqtt, "CallbackAPIVersion"):  # paho-mqtt 2
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, name, protocol=version, **options)
    return mqtt.Client(name, protocol=version, **options)


class Agent:
    def __init__(self, name, port, version, will=None, session=None):
        self.got, self.messages, self.news = [], [], threading.Condition()
        self.connected, self.subscribed = threading.Event(), threading.Event()
        self.disconnected = threading.Event()
        # A session that lasts is asked for in two ways: MQTT 5 has properties for it.
        lasting = {"clean_session": False} if session and version != mqtt.MQTTv5 else {}
        start = {"clean_start": False, "properties": session} if session and version == mqtt.MQTTv5 else {}
        self.client = client(name, version, **lasting)
        self.client.on_connect = lambda *_: self.connected.set()
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_disconnect = lambda *_: self.disconnected.set()
        self.client.on_message = self.on_message
        if will:
            self.client.will_set(*will)
        self.client.connect("127.0.0.1", port, **start)
        self.client.loop_start()
        assert self.connected.wait(60), f"{name}: no CONNACK"

    def on_message(self, _client, _userdata, message):
        with self.news:
            self.messages.append(message)
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
