"""paho-mqtt with MQTT 5 against the nodes on the given ports: what its properties are for."""

import socket
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent import Agent

PORTS = [int(p) for p in sys.argv[1:]]


def properties(packet, **values):
    p = Properties(packet)
    for name, value in values.items():
        setattr(p, name, value)
    return p


def of_publish(**values):
    return properties(PacketTypes.PUBLISH, **values)


def agent(name, port, **options):
    return Agent(f"properties-{name}", PORTS[port], mqtt.MQTTv5, **options)


one, two = agent("one", 0), agent("two", 1)

# A will with properties goes when the socket breaks, and is retained.
will = properties(PacketTypes.WILLMESSAGE, ContentType="text/plain", UserProperty=("cause", "broken"))
two.subscribe("properties/will", 2)
mortal = agent("mortal", 2, will=("properties/will", "gone", 2, True, will))
mortal.client.loop_stop()
mortal.client.socket().shutdown(socket.SHUT_RDWR)
two.expect(("properties/will", "gone", 2, False))
said = two.messages[-1].properties
assert said.ContentType == "text/plain" and said.UserProperty == [("cause", "broken")], said
two.subscribe("properties/#", 1)
two.expect(("properties/will", "gone", 1, True))

# What expires is gone; what has not says how long it has left.
one.publish("expiry/brief", "brief", qos=1, retain=True, properties=of_publish(MessageExpiryInterval=1))
one.publish("expiry/long", "long", qos=1, retain=True, properties=of_publish(MessageExpiryInterval=1000))
time.sleep(2)
one.subscribe("expiry/+", 1)
one.expect(("expiry/long", "long", 1, True))
assert 900 < one.messages[-1].properties.MessageExpiryInterval <= 1000, one.messages[-1].properties

# An alias stands for its topic.
two.subscribe("a/topic/with/many/levels", 1)
alias = of_publish(TopicAlias=1)
for topic in ("a/topic/with/many/levels", "", ""):
    one.publish(topic, "aliased", qos=1, properties=alias)
two.expect(*[("a/topic/with/many/levels", "aliased", 1, False)] * 3)

# A request carries where its answer goes, and what names it.
one.subscribe("answers/one", 2)
two.subscribe("questions", 2)
one.publish("questions", "?", qos=2, properties=of_publish(ResponseTopic="answers/one", CorrelationData=b"\x00\xff"))
two.expect(("questions", "?", 2, False))
asked = two.messages[-1].properties
two.publish(asked.ResponseTopic, "!", qos=2, properties=of_publish(CorrelationData=asked.CorrelationData))
one.expect(("answers/one", "!", 2, False))
assert one.messages[-1].properties.CorrelationData == b"\x00\xff", one.messages[-1].properties

for a in (one, two):
    a.stop()
print("ok")
