package conformance

import (
	"github.com/foxmq/foxmq/internal/mqtt"
)

// connectCase is a CONNECT as bytes behind the fixed header, and what it gets.
type connectCase struct {
	name    string
	version mqtt.Version // of the answer
	clauses string       // of that version's specification
	hex     string
	want    string // the code in CONNACK; none: the connection is closed without CONNACK
}

// The bodies of CONNECT are: protocol name and level, flags, keep alive, properties, payload.
const (
	name3  = "00 06 4d 51 49 73 64 70 "
	name4  = "00 04 4d 51 54 54 "
	level3 = name3 + "03 "
	level4 = name4 + "04 "
	level5 = name4 + "05 "
	idA    = "00 01 61 "
	topicW = "00 01 77 "
	none   = "00 00 "
	bad    = "00 01 ff " // text that is none
)

var connectCases = []connectCase{
	{"unknown protocol name", mqtt.V5, "3.1.2-1", "00 04 4d 51 54 58 05 02 00 00 00 00 00", ""},
	{"unknown protocol name", mqtt.V311, "3.1.2-1", "00 04 4d 51 54 58 04 02 00 00" + idA, ""},
	{"protocol name in lower case", mqtt.V5, "3.1.2-1", "00 04 6d 71 74 74 05 02 00 00 00 00 00", ""},
	{"protocol name longer", mqtt.V5, "3.1.2-1", "00 05 4d 51 54 54 54 05 02 00 00 00 00 00", ""},
	{"no protocol name", mqtt.V5, "3.1.2-1", "00 00 05 02 00 00 00 00 00", ""},
	{"level 6", mqtt.V5, "3.1.2-2 3.2.2-7 3.2.2-8 4.13.2-1", name4 + "06 02 00 00 00 00 00", "84"},
	{"level 2", mqtt.V311, "3.1.2-2 3.2.2-4 3.2.2-5", name4 + "02 02 00 00 00 00", "84"},
	{"level 0", mqtt.V311, "3.1.2-2", name4 + "00 02 00 00 00 00", "84"},
	{"level 3 with the new name", mqtt.V311, "3.1.2-2", name4 + "03 02 00 00" + idA, "84"},
	{"level 4 with the old name", mqtt.V311, "3.1.2-2", name3 + "04 02 00 00" + idA, "84"},
	{"reserved flag", mqtt.V5, "3.1.2-3 3.1.4-1", level5 + "03 00 00 00" + none, "81"},
	{"reserved flag", mqtt.V311, "3.1.2-3 3.1.4-1 3.2.2-6", level4 + "03 00 00" + idA, ""},
	{"reserved flag", mqtt.V31, "", level3 + "03 00 00" + idA, ""},

	{"will QoS without a will", mqtt.V5, "3.1.2-11", level5 + "0a 00 00 00" + none, "81"},
	{"will QoS without a will", mqtt.V311, "3.1.2-11 3.1.2-13", level4 + "0a 00 00" + idA, ""},
	{"will retain without a will", mqtt.V5, "3.1.2-13", level5 + "22 00 00 00" + none, "81"},
	{"will retain without a will", mqtt.V311, "3.1.2-11 3.1.2-15", level4 + "22 00 00" + idA, ""},
	{"will QoS 3", mqtt.V5, "3.1.2-12", level5 + "1e 00 00 00" + none + "00" + topicW + none, "81"},
	{"will QoS 3", mqtt.V311, "3.1.2-14", level4 + "1e 00 00" + idA + topicW + none, ""},
	{"will without its payload", mqtt.V5, "3.1.2-9", level5 + "06 00 00 00" + none + "00" + topicW, "81"},
	{"will without its payload", mqtt.V311, "3.1.2-9", level4 + "06 00 00" + idA + topicW, ""},
	{"will without its topic", mqtt.V5, "3.1.2-9", level5 + "06 00 00 00" + none + "00", "81"},
	{"will without its topic", mqtt.V311, "3.1.2-9", level4 + "06 00 00" + idA, ""},
	{"will without its properties", mqtt.V5, "3.1.2-9", level5 + "06 00 00 00" + none, "81"},
	{"will without its flag", mqtt.V5, "3.1.4-1", level5 + "02 00 00 00" + none + "00" + topicW + none, "81"},
	{"will without its flag", mqtt.V311, "3.1.2-11", level4 + "02 00 00" + idA + topicW + none, ""},
	{"will topic that is no text", mqtt.V5, "1.5.4-1 3.1.3-11", level5 + "06 00 00 00" + none + "00" + bad + none, "81"},
	{"will topic that is no text", mqtt.V311, "1.5.3-1 3.1.3-10", level4 + "06 00 00" + idA + bad + none, ""},
	{"will topic with a wildcard", mqtt.V5, "4.7.0-1", level5 + "06 00 00 00" + none + "00 00 01 23" + none, "90"},
	{"will topic with a wildcard", mqtt.V311, "4.7.1-1", level4 + "06 00 00" + idA + "00 01 2b" + none, ""},
	{"will topic empty", mqtt.V5, "4.7.3-1", level5 + "06 00 00 00" + none + "00" + none + none, "90"},
	{"will topic empty", mqtt.V311, "4.7.3-1", level4 + "06 00 00" + idA + none + none, ""},

	{"user name missing", mqtt.V5, "3.1.2-17", level5 + "82 00 00 00" + none, "81"},
	{"user name missing", mqtt.V311, "3.1.2-19", level4 + "82 00 00" + idA, ""},
	{"user name unexpected", mqtt.V5, "3.1.2-16", level5 + "02 00 00 00" + none + "00 01 75", "81"},
	{"user name unexpected", mqtt.V311, "3.1.2-18", level4 + "02 00 00" + idA + "00 01 75", ""},
	{"user name that is no text", mqtt.V5, "1.5.4-1 3.1.3-12", level5 + "82 00 00 00" + none + bad, "81"},
	{"user name that is no text", mqtt.V311, "1.5.3-1 3.1.3-11", level4 + "82 00 00" + idA + bad, ""},
	{"password missing", mqtt.V5, "3.1.2-19", level5 + "c2 00 00 00" + none + "00 01 75", "81"},
	{"password missing", mqtt.V311, "3.1.2-21", level4 + "c2 00 00" + idA + "00 01 75", ""},
	{"password unexpected", mqtt.V5, "3.1.2-18", level5 + "82 00 00 00" + none + "00 01 75 00 01 70", "81"},
	{"password unexpected", mqtt.V311, "3.1.2-20", level4 + "82 00 00" + idA + "00 01 75 00 01 70", ""},
	{"password without user", mqtt.V311, "3.1.2-22", level4 + "42 00 00" + idA + "00 01 70", ""},
	{"an unknown user", mqtt.V5, "3.1.4-2 3.2.2-7", level5 + "c2 00 00 00" + none + "00 01 75 00 01 70", "86"},
	{"an unknown user", mqtt.V311, "3.2.2-5", level4 + "c2 00 00" + idA + "00 01 75 00 01 70", "86"},

	{"no client id at all", mqtt.V5, "3.1.3-3", level5 + "02 00 00 00", "81"},
	{"no client id at all", mqtt.V311, "3.1.3-3", level4 + "02 00 00", ""},
	{"client id with U+0000", mqtt.V5, "1.5.4-2 3.1.3-4", level5 + "02 00 00 00 00 01 00", "81"},
	{"client id with U+0000", mqtt.V311, "1.5.3-2 3.1.3-4", level4 + "02 00 00 00 01 00", ""},
	{"client id with a surrogate", mqtt.V5, "1.5.4-1 3.1.3-4", level5 + "02 00 00 00 00 03 ed a0 80", "81"},
	{"client id with a surrogate", mqtt.V311, "1.5.3-1 3.1.3-4", level4 + "02 00 00 00 03 ed a0 80", ""},
	{"client id with an overlong form", mqtt.V311, "1.5.3-1 3.1.3-4", level4 + "02 00 00 00 02 c1 81", ""},

	{"receive maximum 0", mqtt.V5, "4.13.1-1", level5 + "02 00 00 03 21 00 00" + none, "82"},
	{"maximum packet size 0", mqtt.V5, "4.13.1-1", level5 + "02 00 00 05 27 00 00 00 00" + none, "82"},
	{"request problem information 2", mqtt.V5, "4.13.1-1", level5 + "02 00 00 02 17 02" + none, "82"},
	{"request response information 2", mqtt.V5, "4.13.1-1", level5 + "02 00 00 02 19 02" + none, "82"},
	{"session expiry twice", mqtt.V5, "4.13.1-1", level5 + "02 00 00 0a 11 00 00 00 00 11 00 00 00 00" + none, "82"},
	{"authentication data without a method", mqtt.V5, "4.13.1-1", level5 + "02 00 00 04 16 00 01 61" + none, "82"},
	{"an authentication method", mqtt.V5, "4.12.0-1 4.12.0-4", level5 + "02 00 00 04 15 00 01 61" + none, "8c"},
	{"properties in no shortest form", mqtt.V5, "1.5.5-1", level5 + "02 00 00 80 00" + none, "81"},
	{"no properties, not even their length", mqtt.V5, "2.2.2-1", level5 + "02 00 00", "81"},
}

// refuseConnectScripts are about CONNECTs that are wrong. What comes behind them is not handled.
func refuseConnectScripts() (scripts []script) {
	for _, c := range connectCases {
		one := script{name: c.name + ", " + c.version.String(), play: c.play}
		switch c.version {
		case mqtt.V5:
			one.five = "3.1.4-6 " + c.clauses
		case mqtt.V311:
			one.three = "3.1.4-5 " + c.clauses
		}
		scripts = append(scripts, one)
	}
	return append(scripts, acceptedScripts...)
}

func (c connectCase) play(s *stage) {
	watcher := s.subscriber(mqtt.V5, "~")
	p := s.dial(c.version)
	m := &mqtt.Publish{Topic: "~", Payload: []byte("not to be handled"), Retain: true}
	p.bytes(p.own(m).Append(frame(0x10, unhex(c.hex)), c.version))
	if c.want != "" {
		p.gets("CONNACK " + c.want)
	}
	p.gets("closed")
	s.receives(watcher)
	s.receives(s.subscriber(mqtt.V5, "~"))
}

// acceptedScripts are about CONNECTs that look wrong and are not.
var acceptedScripts = []script{
	{"password without user", "", "", func(s *stage) {
		p := s.dial(mqtt.V5)
		p.framed(0x10, level5+"42 00 00 00"+none+"00 01 70")
		p.gets("CONNACK")
	}},
	{"an empty user name is there", "3.1.2-17", "3.1.2-19", versions(func(s *stage, v mqtt.Version) {
		s.connect(mqtt.Connect{Version: v, CleanStart: true, HasUsername: true}).gets("CONNACK 86", "closed")
	}, mqtt.V311, mqtt.V5)},
}
