package mqtt

import "unicode/utf8"

// Forwarded is what Publish.Forward and Will.Forward say: the properties that a server passes on unaltered
// [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-20].
type Forwarded struct {
	Text            bool // the payload is UTF-8 encoded text (payload format indicator 1)
	ContentType     string
	ResponseTopic   string
	CorrelationData []byte
	UserProperties  UserProperties
}

// ParseForward reads properties in wire form, without a length before them. It refuses, with an *Error, what no
// PUBLISH could have brought. The byte slices in the result refer to b.
func ParseForward(b []byte) (Forwarded, error) {
	var f Forwarded
	var user run
	d := forwardDecoder(b)
	for d.next() {
		switch d.prop.id {
		case propPayloadFormat:
			f.Text = d.prop.number == 1
		case propContentType:
			f.ContentType = string(d.prop.data)
		case propResponseTopic:
			f.ResponseTopic = string(d.prop.data)
		case propCorrelationData:
			f.CorrelationData = orNil(d.prop.data)
		case propUserProperty:
			user.add(&d)
		}
	}
	f.UserProperties = user.properties()
	if d.err != nil {
		return Forwarded{}, d.err
	}
	return f, nil
}

// CheckForward reports whether ParseForward would read b, without allocating anything.
func CheckForward(b []byte) bool {
	d := forwardDecoder(b)
	for d.next() {
	}
	return d.err == nil
}

// FitsPayload reports whether the payload is what properties that ParseForward reads say of it: with payload format
// indicator 1 it must be well-formed UTF-8 (section 3.3.2.3.2), in which U+0000 may stand. It allocates nothing.
func FitsPayload(forward, payload []byte) bool {
	if len(payload) < len(forward) && utf8.Valid(payload) {
		return true // whatever they say
	}
	d := forwardDecoder(forward)
	for d.next() {
		if d.prop.id == propPayloadFormat {
			return d.prop.number == 0 || utf8.Valid(payload)
		}
	}
	return true
}

func forwardDecoder(b []byte) decoder { return decoder{rest: b, packet: TypePublish, where: inForward} }

// Append appends the properties in wire form, without a length before them.
func (f *Forwarded) Append(dst []byte) []byte {
	dst = appendUnless(dst, propPayloadFormat, f.Text, false)
	dst = appendOptional(dst, propContentType, f.ContentType)
	dst = appendOptional(dst, propResponseTopic, f.ResponseTopic)
	dst = appendOptional(dst, propCorrelationData, f.CorrelationData)
	return append(dst, f.UserProperties...)
}
