package conformance

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"time"

	"github.com/foxmq/foxmq/test/cluster"
)

// A line of a dialogue: what the client sends (>) or must get (<), in hexadecimal. The codec of the project has no
// part in it: what it might get wrong in both directions shows here. ~~~~ stands for four letters of the script's own.
var bytesScripts = []script{
	{"3.1.1, each packet", "", "3.1.0-1 3.1.4-4 3.2.0-1 3.8.3-4 4.8.0-1 7.0.0-2", dialogue(
		"> 10 12 00 04 4d 51 54 54 04 02 00 3c 00 06 ~~~~ 62 31",
		"< 20 02 00 00",
		"> 82 0d 00 0a 00 06 ~~~~ 2f 23 02 00 00 80", // a second filter that is empty, with reserved options
		"< closed",
	)},
	{
		"3.1.1, QoS 0 to 2 to itself",
		"", "2.3.1-5 2.3.1-6 2.3.1-7 3.3.4-1 3.8.4-2 3.10.4-4 3.12.4-1 4.3.1-1 4.3.2-2 4.3.3-2 7.0.0-2",
		dialogue(
			"> 10 12 00 04 4d 51 54 54 04 02 00 3c 00 06 ~~~~ 62 32",
			"< 20 02 00 00",
			"> 82 0b 00 0a 00 06 ~~~~ 2f 23 02",
			"< 90 03 00 0a 02",
			"> 30 0a 00 06 ~~~~ 2f 61 68 69",
			"< 30 0a 00 06 ~~~~ 2f 61 68 69",
			"> c0 00",
			"< d0 00",
			"> a2 0a 00 0b 00 06 ~~~~ 2f 23",
			"< b0 02 00 0b",
			"> 32 0b 00 06 ~~~~ 2f 61 12 34 21",
			"< 40 02 12 34",
			"> 34 0b 00 06 ~~~~ 2f 61 12 35 21",
			"< 50 02 12 35",
			"> 62 02 12 35",
			"< 70 02 12 35",
			"> e0 00",
			"< closed",
		),
	},
	{
		"5, a message with each property comes out as it went in",
		"2.2.1-2 2.2.2-1 3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-18 3.3.2-20 3.7.2-1 3.11.3-1 3.11.3-2", "",
		dialogue(
			// receive maximum 10, maximum packet size 4096, topic alias maximum 5, request problem information 0, user property
			"> 10 2a 00 04 4d 51 54 54 05 02 00 3c 17 21 00 0a 27 00 00 10 00 22 00 05 17 00 26 00 01 61 00 04 62 62 62 62 "+
				"00 06 ~~~~ 62 33",
			"< 20",
			// subscription identifier 128, two user properties; QoS 0, no local off
			"> 82 13 00 01 03 0b 80 01 00 0a ~~~~ 2f 61 2f 62 2f 63 00",
			"< 90 04 00 01 00 00",
			// It comes back with a topic alias.
			// Payload format 1, content type, response topic, correlation data, user properties b, a, b
			"> 30 3c 00 0a ~~~~ 2f 61 2f 62 2f 63 2d 01 01 03 00 01 74 08 00 03 72 2f 73 09 00 02 00 ff "+
				"26 00 01 62 00 01 31 26 00 01 61 00 01 32 26 00 01 62 00 01 33 26 00 01 62 00 01 31 68 69",
			"< 30 42 00 0a ~~~~ 2f 61 2f 62 2f 63 33 23 00 01 0b 80 01 01 01 03 00 01 74 08 00 03 72 2f 73 09 00 02 00 ff "+
				"26 00 01 62 00 01 31 26 00 01 61 00 01 32 26 00 01 62 00 01 33 26 00 01 62 00 01 31 68 69",
			"> a2 17 00 02 00 00 0a ~~~~ 2f 61 2f 62 2f 63 00 06 ~~~~ 2f 78",
			"< b0 05 00 02 00 00 11",
			"> 62 03 00 09 00",
			"< 70 03 00 09 92",
			"> c0 00",
			"< d0 00",
			"> e0 02 00 00",
			"< closed",
		),
	},
	{"5, acknowledgements", "2.1.3-1 2.2.1-5 3.2.2-1 3.4.2-1 3.5.2-1 3.7.2-1 4.3.2-4 4.3.3-8 4.3.3-11", "", dialogue(
		"> 10 13 00 04 4d 51 54 54 05 02 00 3c 00 00 06 ~~~~ 62 34",
		"< 20",
		"> 32 0a 00 04 ~~~~ 00 05 00 21",
		"< 40 02 00 05",
		"> 34 0a 00 04 ~~~~ 00 06 00 21",
		"< 50 02 00 06",
		"> 62 04 00 06 00 00",
		"< 70 02 00 06",
		"> c0 01 00",
		"< e0 01 81",
		"< closed",
	)},
	{"3.1, with the old name", "", "", dialogue(
		"> 10 14 00 06 4d 51 49 73 64 70 03 02 00 3c 00 06 ~~~~ 62 35",
		"< 20 02 00 00",
		"> 8a 0b 00 0a 00 06 ~~~~ 2f 23 01", // DUP may be set in 3.1
		"< 90 03 00 0a 01",
		"> e0 00",
		"< closed",
	)},
}

// dialogue makes a script of lines. "< 20" alone reads a whole CONNACK, whatever it says.
func dialogue(lines ...string) func(*stage) {
	return func(s *stage) {
		conn, err := net.Dial("tcp", s.cluster.Nodes[s.node()].MQTT)
		if err != nil {
			s.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(cluster.Patience))
		word := strings.Trim(s.word, "§")
		letters := hex.EncodeToString([]byte(word))
		for _, line := range lines {
			direction, text, _ := strings.Cut(strings.ReplaceAll(line, "~~~~", letters), " ")
			want, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
			switch {
			case text == "closed":
				if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
					s.Fatalf("got % x and %v, want the end of the connection", rest, err)
				}
			case err != nil:
				s.Fatal(line, err)
			case direction == ">":
				conn.Write(want)
			case len(want) == 1:
				readPacket(s, conn, want[0])
			default:
				got := make([]byte, len(want))
				if n, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
					s.Fatalf("got % x %v\nwant % x", got[:n], err, want)
				}
			}
		}
	}
}

// readPacket reads a packet of less than 128 bytes, in whose first one behind the length only bit 0 may be set, as in
// the flags of CONNACK.
func readPacket(s *stage, conn io.Reader, first byte) {
	s.Helper()
	head := make([]byte, 3)
	if _, err := io.ReadFull(conn, head); err != nil || head[0] != first || head[1] >= 0x80 || head[2] > 1 {
		s.Fatalf("got % x %v, want a packet that begins with %02x", head, err, first)
	}
	if _, err := io.CopyN(io.Discard, conn, int64(head[1])-1); err != nil {
		s.Fatal(err)
	}
}
