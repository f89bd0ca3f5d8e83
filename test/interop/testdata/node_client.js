// node-mqtt against the nodes with the given URLs, mqtt: or ws: MQTT 3.1.1 and 5, each QoS, a retained message, a will, a session
// that lasts and a shared subscription; and what the properties of MQTT 5 are for.
'use strict'
const assert = require('assert')
const mqtt = require('mqtt')

const urls = process.argv.slice(2)

const connect = (url, version, id, options) => new Promise((resolve, reject) => {
  const client = mqtt.connect(url,
    { protocolVersion: version, clientId: id, reconnectPeriod: 0, ...options })
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
    got.push([topic, payload.toString(), packet.qos, packet.retain, packet.properties])
    if (got.length === n) {
      client.removeListener('message', take)
      resolve(got)
    }
  }
  client.on('message', take)
})
const plain = messages => messages.map(m => m.slice(0, 4)) // without the properties
const end = async (...clients) => {
  for (const client of clients) await new Promise(resolve => client.end(false, {}, resolve))
}

async function main () {
  for (const version of [4, 5]) {
    const sub = await connect(urls[1], version, `node-sub-${version}`)
    const pub = await connect(urls[3], version, `node-pub-${version}`)
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
    const of = (messages, qos) => plain(messages).filter(m => m[2] === qos)
    for (let qos = 0; qos < 3; qos++) assert.deepStrictEqual(of(got, qos), of(want, qos))

    // From the subscriber's own node: the acknowledgement means that this node has the message, while another may
    // still be about to deliver it as a new one.
    await publish(sub, `kept/${version}`, 'kept', { qos: 1, retain: true })
    const kept = receive(sub, 1)
    await subscribe(sub, `kept/${version}`)
    assert.deepStrictEqual(plain(await kept), [[`kept/${version}`, 'kept', 1, true]])

    const gone = receive(sub, 1)
    await subscribe(sub, `gone/${version}`)
    const will = { topic: `gone/${version}`, payload: 'gone', qos: 2 }
    const mortal = await connect(urls[2], version, `node-mortal-${version}`, { will })
    mortal.stream.destroy()
    assert.deepStrictEqual(plain(await gone), [[`gone/${version}`, 'gone', 2, false]])

    // A session that lasts goes on, on another node, with what came while its client was away.
    const session = { clean: false, properties: version === 5 ? { sessionExpiryInterval: 600 } : undefined }
    const away = await connect(urls[0], version, `node-away-${version}`, session)
    await subscribe(away, `away/${version}`)
    await end(away)
    for (const qos of [1, 2]) await publish(pub, `away/${version}`, `message ${qos}`, { qos })
    const back = mqtt.connect(urls[2],
      { protocolVersion: version, clientId: `node-away-${version}`, reconnectPeriod: 0, ...session })
    const kinds = plain(await receive(back, 2)).map(m => m[1])
    assert.deepStrictEqual(kinds, ['message 1', 'message 2'])

    // Of two members of a group, one gets each message.
    const shared = []
    for (const client of [sub, back]) {
      client.on('message', (topic, payload) => topic === `shared/${version}` && shared.push(payload.toString()))
      await subscribe(client, `$share/group/shared/${version}`)
    }
    for (let i = 0; i < 10; i++) await publish(pub, `shared/${version}`, `${i}`, { qos: 1 })
    while (shared.length < 10) await new Promise(resolve => setTimeout(resolve, 10))
    assert.deepStrictEqual(shared.sort(), [...Array(10).keys()].map(String))
    await end(sub, pub, back)
  }
  await properties()
  console.log('ok')
}

async function properties () {
  const one = await connect(urls[0], 5, 'node-one', { topicAliasMaximum: 2 })
  const two = await connect(urls[1], 5, 'node-two', { autoAssignTopicAlias: true })

  // Aliases in both directions: four topics, of which the receiver takes two aliases.
  await subscribe(one, 'aliased/+')
  const aliased = receive(one, 40)
  const want = []
  for (let i = 0; i < 40; i++) {
    want.push([`aliased/${i % 4}`, `${i}`, 1, false])
    await publish(two, want[i][0], want[i][1], { qos: 1 })
  }
  const got = await aliased
  assert.deepStrictEqual(plain(got), want)
  assert(got.some(m => m[4] && m[4].topicAlias), 'no alias came')

  // What expires is gone; what has not says how long it has left.
  await publish(one, 'expires/brief', 'brief', { qos: 1, retain: true, properties: { messageExpiryInterval: 1 } })
  await publish(one, 'expires/long', 'long', { qos: 1, retain: true, properties: { messageExpiryInterval: 1000 } })
  await new Promise(resolve => setTimeout(resolve, 2000))
  const left = receive(one, 1)
  await subscribe(one, 'expires/+')
  const [long] = await left
  assert.strictEqual(long[1], 'long')
  assert(long[4].messageExpiryInterval > 900 && long[4].messageExpiryInterval <= 1000, long[4])

  // A request carries where its answer goes, and what names it.
  const asked = receive(two, 1)
  const answered = receive(one, 1)
  await subscribe(two, 'node/question')
  await subscribe(one, 'node/answer')
  const request = { responseTopic: 'node/answer', correlationData: Buffer.from([0, 255]) }
  await publish(one, 'node/question', '?', { qos: 2, properties: request })
  const { responseTopic, correlationData } = (await asked)[0][4]
  await publish(two, responseTopic, '!', { qos: 2, properties: { correlationData } })
  const [answer] = await answered
  assert.deepStrictEqual([answer[1], [...answer[4].correlationData]], ['!', [0, 255]])
  await end(one, two)
}

main().catch(err => { console.error(err); process.exit(1) })
