"""paho-mqtt over TLS: a certificate makes its holder a user; none does not, and a stranger's is refused."""

import queue
import socket
import ssl
import sys

import paho.mqtt.client as mqtt

PORT, TRUSTED, ALICE, STRANGER = int(sys.argv[1]), *sys.argv[2:]
TOPIC = "certified/alice"


def connect(name, certificate=None):
    """Returns a client and the queue of what happens to it."""
    client, events = mqtt.Client(client_id=name, protocol=mqtt.MQTTv5), queue.Queue()
    files = {"certfile": certificate + ".pem", "keyfile": certificate + ".key"} if certificate else {}
    client.tls_set(TRUSTED, **files)
    client.on_connect = lambda c, u, flags, code, properties: events.put(("connected", code))
    client.on_disconnect = lambda c, u, code, properties=None: events.put(("disconnected", code))
    client.on_subscribe = lambda c, u, mid, codes, properties: events.put(("subscribed", codes[0].value))
    client.on_message = lambda c, u, m: events.put(("message", m.payload))
    client.connect("localhost", PORT)
    client.loop_start()
    return client, events


def happens(events, what, value):
    got = events.get(timeout=60)
    assert got == (what, value), got


alice, events = connect("with", ALICE)
happens(events, "connected", 0)
alice.subscribe(TOPIC, 1)
happens(events, "subscribed", 1)
alice.publish(TOPIC, "mine", 1)
happens(events, "message", b"mine")

anybody, others = connect("without")
happens(others, "connected", 0)
anybody.subscribe(TOPIC, 1)
happens(others, "subscribed", 0x87)

stranger = ssl.create_default_context(cafile=TRUSTED)
stranger.load_cert_chain(STRANGER + ".pem", STRANGER + ".key")
with socket.create_connection(("localhost", PORT)) as tcp:
    try:
        stranger.wrap_socket(tcp, server_hostname="localhost").recv(1)  # which is when TLS 1.3 learns of it
        raise AssertionError("a stranger's certificate is taken")
    except ssl.SSLError as refused:
        assert "UNKNOWN_CA" in str(refused), refused

for client in (alice, anybody):
    client.disconnect()
print("ok")
