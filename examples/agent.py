"""What both examples need of paho-mqtt, whichever of its versions is installed."""

import threading

import paho.mqtt.client as mqtt


def client(name):
    """Return an MQTT 5 client that is not connected yet."""
    if hasattr(mqtt, "CallbackAPIVersion"):  # paho-mqtt 2
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, name, protocol=mqtt.MQTTv5)
    return mqtt.Client(name, protocol=mqtt.MQTTv5)


def connect(agent, host, port, subscribe=()):
    """Connect, wait for the CONNACK, subscribe and wait for the SUBACKs; the network thread runs on."""
    connected, subscribed = threading.Event(), threading.Semaphore(0)
    agent.on_connect = lambda *_: connected.set()
    agent.on_subscribe = lambda *_: subscribed.release()
    agent.connect(host, port)
    agent.loop_start()
    if not connected.wait(30):
        raise TimeoutError(f"no answer from {host}:{port}")
    for topic in subscribe:
        agent.subscribe(topic, qos=2)
        if not subscribed.acquire(timeout=30):
            raise TimeoutError(f"no SUBACK for {topic}")
    return agent
