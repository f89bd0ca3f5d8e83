// node-mqtt against the nodes on the given ports: MQTT 3.1.1 and 5, each QoS, and a retained message.
'use strict'
const assert = require('assert')
const mqtt = require('mqtt')

const ports = process.argv.slice(2)

const connect = (port, version, id) => new Promise((resolve, reject) => {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: version, clientId: id, reconnectPeriod: 0 })
  client.once('connect', () => resolve(client))
  client.once('error', reject)
})
const subscribe = (client, topic) => new Promise((resolve, reject) => {
  client.subscribe(topic, { qos: 2 }, (err, granted) => err ? reject(err) : resolve(granted))
})
const publish = (client, topic, payload, options) => new Promise((resolve, reject) => {
  client.publish(topic, payload, options, err => err ? reject(err) : resolve())
})
const receive = (client, n) => new Promise(resolve => {
  const got = []
  const take = (topic, payload, packet) => {
    got.push([topic, payload.toString(), packet.qos, packet.retain])
    if (got.length === n) {
      client.removeListener('message', take)
      resolve(got)
    }
  }
  client.on('message', take)
})

async function main () {
  for (const version of [4, 5]) {
    const sub = await connect(ports[1], version, `node-sub-${version}`)
    const pub = await connect(ports[3], version, `node-pub-${version}`)
    const root = `node/${version}`

    await subscribe(sub, `${root}/#`)
    const burst = receive(sub, 30)
    const want = []
    for (let i = 0; i < 30; i++) {
      want.push([`${root}/${i % 4}`, `message ${i}`, i % 3, false])
      await publish(pub, want[i][0], want[i][1], { qos: i % 3 })
    }
    // This client hands out a QoS 2 message when its PUBREL comes, so only those of one QoS can be compared.
    const got = await burst
    const of = (messages, qos) => messages.filter(m => m[2] === qos)
    for (let qos = 0; qos < 3; qos++) assert.deepStrictEqual(of(got, qos), of(want, qos))

    // From the subscriber's own node: the acknowledgement means that this node has the message, while another may
    // still be about to deliver it as a new one.
    await publish(sub, `kept/${version}`, 'kept', { qos: 1, retain: true })
    const kept = receive(sub, 1)
    await subscribe(sub, `kept/${version}`)
    assert.deepStrictEqual(await kept, [[`kept/${version}`, 'kept', 1, true]])
    for (const client of [sub, pub]) await new Promise(resolve => client.end(false, {}, resolve))
  }
  console.log('ok')
}

main().catch(err => { console.error(err); process.exit(1) })
