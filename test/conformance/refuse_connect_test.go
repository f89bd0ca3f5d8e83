package conformance

import (
	"github.com/foxmq/foxmq/internal/mqtt"
)

// connectCase is a CONNECT as bytes behind the fixed header, and what it gets.
type connectCase struct {
	name    string
	version mqtt.Version // of the answer
	hex     string
	want    []string
}

// The bodies of CONNECT are: protocol name and level, flags, keep alive, properties, payload.
const (
	name3  = "00 06 4d 51 49 73 64 70 "
	name4  = "00 04 4d 51 54 54 "
	level3 = name3 + "03 "
	level4 = name4 + "04 "
	level5 = name4 + "05 "
	idA    = "00 01 61 "
)

// refuseConnectScripts are about CONNECTs that are wrong, or look as if they were.
func refuseConnectScripts() (scripts []script) {
	for _, c := range []connectCase{
		{"unknown protocol name [3.1.2-1]", mqtt.V5, "00 04 4d 51 54 58 05 02 00 00 00 00 00", []string{"closed"}},
		{
			"protocol name in lower case [3.1.2-1]", mqtt.V5, "00 04 6d 71 74 74 05 02 00 00 00 00 00",
			[]string{"closed"},
		},
		{"protocol name longer [3.1.2-1]", mqtt.V5, "00 05 4d 51 54 54 54 05 02 00 00 00 00 00", []string{"closed"}},
		{"no protocol name [3.1.2-1]", mqtt.V5, "00 00 05 02 00 00 00 00 00", []string{"closed"}},
		{"level 6 [3.1.2-2]", mqtt.V5, name4 + "06 02 00 00 00 00 00", []string{"CONNACK 84", "closed"}},
		{"level 2 [3.1.2-2 of 3.1.1]", mqtt.V311, name4 + "02 02 00 00 00 00", []string{"CONNACK 84", "closed"}},
		{"level 0 [3.1.2-2 of 3.1.1]", mqtt.V311, name4 + "00 02 00 00 00 00", []string{"CONNACK 84", "closed"}},
		{"level 3 with the new name", mqtt.V311, name4 + "03 02 00 00" + idA, []string{"CONNACK 84", "closed"}},
		{"level 4 with the old name", mqtt.V311, name3 + "04 02 00 00" + idA, []string{"CONNACK 84", "closed"}},
		{"reserved flag [3.1.2-3]", mqtt.V5, level5 + "03 00 00 00 00 00", []string{"CONNACK 81", "closed"}},
		{"reserved flag [3.1.2-3 of 3.1.1]", mqtt.V311, level4 + "03 00 00" + idA, []string{"closed"}},
		{
			"will QoS without a will [3.1.2-11]", mqtt.V5, level5 + "0a 00 00 00 00 00",
			[]string{"CONNACK 81", "closed"},
		},
		{"will QoS without a will [3.1.2-13 of 3.1.1]", mqtt.V311, level4 + "0a 00 00" + idA, []string{"closed"}},
		{
			"will retain without a will [3.1.2-13]", mqtt.V5, level5 + "22 00 00 00 00 00",
			[]string{"CONNACK 81", "closed"},
		},
		{
			"will QoS 3 [3.1.2-12]", mqtt.V5, level5 + "1e 00 00 00 00 00 00 00 01 77 00 00",
			[]string{"CONNACK 81", "closed"},
		},
		{
			"will QoS 3 [3.1.2-14 of 3.1.1]", mqtt.V311, level4 + "1e 00 00" + idA + "00 01 77 00 00",
			[]string{"closed"},
		},
		{
			"will without its payload [3.1.2-9]", mqtt.V5, level5 + "06 00 00 00 00 00 00 00 01 77",
			[]string{"CONNACK 81", "closed"},
		},
		{"user name missing [3.1.2-17]", mqtt.V5, level5 + "82 00 00 00 00 00", []string{"CONNACK 81", "closed"}},
		{
			"user name unexpected [3.1.2-16]", mqtt.V5, level5 + "02 00 00 00 00 00 00 01 75",
			[]string{"CONNACK 81", "closed"},
		},
		{
			"password missing [3.1.2-19]", mqtt.V5, level5 + "c2 00 00 00 00 00 00 01 75",
			[]string{"CONNACK 81", "closed"},
		},
		{
			"password without user [3.1.2-22 of 3.1.1]", mqtt.V311, level4 + "42 00 00" + idA + "00 01 70",
			[]string{"closed"},
		},
		{"password without user", mqtt.V5, level5 + "42 00 00 00 00 00 00 01 70", []string{"CONNACK"}},
		{
			"an unknown user [3.1.4-2]", mqtt.V5, level5 + "c2 00 00 00 00 00 00 01 75 00 01 70",
			[]string{"CONNACK 86", "closed"},
		},
		{
			"an unknown user [3.1.4-5 of 3.1.1]", mqtt.V311, level4 + "c2 00 00" + idA + "00 01 75 00 01 70",
			[]string{"CONNACK 86", "closed"},
		},
		{
			"client id with U+0000 [1.5.4-2]", mqtt.V5, level5 + "02 00 00 00 00 01 00",
			[]string{"CONNACK 81", "closed"},
		},
		{
			"client id with a surrogate [1.5.4-1]", mqtt.V5, level5 + "02 00 00 00 00 03 ed a0 80",
			[]string{"CONNACK 81", "closed"},
		},
		{"client id with an overlong form [1.5.4-1]", mqtt.V311, level4 + "02 00 00 00 02 c1 81", []string{"closed"}},
		{
			"will topic with a wildcard [4.7.0-1]", mqtt.V5, level5 + "06 00 00 00 00 00 00 00 01 23 00 00",
			[]string{"CONNACK 90", "closed"},
		},
		{
			"will topic empty [4.7.3-1]", mqtt.V5, level5 + "06 00 00 00 00 00 00 00 00 00 00",
			[]string{"CONNACK 90", "closed"},
		},
		{"receive maximum 0", mqtt.V5, level5 + "02 00 00 03 21 00 00 00 00", []string{"CONNACK 82", "closed"}},
		{
			"maximum packet size 0", mqtt.V5, level5 + "02 00 00 05 27 00 00 00 00 00 00",
			[]string{"CONNACK 82", "closed"},
		},
		{
			"request response information 2", mqtt.V5, level5 + "02 00 00 02 19 02 00 00",
			[]string{"CONNACK 82", "closed"},
		},
		{
			"session expiry twice", mqtt.V5, level5 + "02 00 00 0a 11 00 00 00 00 11 00 00 00 00 00 00",
			[]string{"CONNACK 82", "closed"},
		},
		{
			"authentication data without a method", mqtt.V5, level5 + "02 00 00 04 16 00 01 61 00 00",
			[]string{"CONNACK 82", "closed"},
		},
		{"no client id at all [3.1.3-3]", mqtt.V5, level5 + "02 00 00 00", []string{"CONNACK 81", "closed"}},
	} {
		scripts = append(scripts, script{"CONNECT: " + c.name + ", " + c.version.String(), func(s *stage) {
			p := s.dial(here, c.version)
			p.framed(0x10, c.hex)
			p.gets(c.want...)
		}})
	}
	return scripts
}
