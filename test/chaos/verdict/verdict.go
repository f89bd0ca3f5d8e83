// Package verdict judges what the clients of a cluster sent and received against what the cluster promised them
// (docs/semantics.md): nothing acknowledged is lost, everybody receives the same in one order, each publisher's messages
// keep their order, and what is published and subscribed to at QoS 2 comes once.
//
// It looks at a History, which is complete when every publisher has its answers and every subscriber was given time to
// receive what there is. A broken promise is a fault. What is no promise, but worth a look, is a finding; among these is a
// message at QoS 2 that came twice to somebody whose node was killed in between.
package verdict

import "fmt"

// Message names a message: the publisher's place in the History, and the number that the publisher gave it, from 0 on.
type Message struct {
	Publisher uint16
	Number    uint32
}

// String returns the message as p3#17.
func (m Message) String() string { return fmt.Sprintf("p%d#%d", m.Publisher, m.Number) }

// Fate is the answer that a publisher got.
type Fate uint8

// The fates.
const (
	Unanswered   Fate = iota
	Acknowledged      // by PUBACK or PUBREC
	Refused           // by one of the two, with a reason code of 0x80 or more
)

// Conn is one connection of a client: which node it was to, and which start of that node, counted from 0.
type Conn struct {
	Node, Boot int
}

// Sent is what a publisher knows of one of its messages.
type Sent struct {
	QoS         byte // 1 or 2
	Fate        Fate
	Topic       string // only of a message to be retained
	Times       int    // how often it was sent
	First, Last int32  // the connections on which it was sent first and last
}

// Publisher is what one publisher knows. The number of a message is its place in Sent.
type Publisher struct {
	Name       string
	Conns      []Conn
	Sent       []Sent
	Complaints []string // what must not happen to any client
}

// Delivery is a message that came to a subscriber. What the protocol lets a client recognise as a repetition at QoS 2
// is none.
type Delivery struct {
	Message
	QoS  byte
	Dup  bool
	Conn int32 // the connection on which it came
}

// Subscriber is what one subscriber of everything has received.
type Subscriber struct {
	Name       string
	QoS        byte // of its subscription, 1 or 2
	Conns      []Conn
	Got        []Delivery
	Complaints []string
}

// History is what everybody saw.
type History struct {
	Publishers  []Publisher
	Subscribers []Subscriber
	Members     []Subscriber         // of a group, who share everything
	Killed      func(Conn) bool      `json:"-"` // tells whether the process that a connection was to was killed
	Retained    []map[string]Message // by node: what is retained on each topic; nil: nobody looked
}

// Report is what the judgement says.
type Report struct {
	Published, Acknowledged, Refused int
	Delivered                        int // to all subscribers
	Repeated                         int // of these at QoS 1
	Shared                           int // delivered to the members of the group
	Faults                           []string
	Findings                         []string

	counts map[string]int // of faults and findings of each kind
}

// most is how many faults of one kind a report tells; the others are counted.
const most = 10

func (r *Report) fault(kind, format string, args ...any) {
	r.say(&r.Faults, kind, format, args...)
}

func (r *Report) finding(kind, format string, args ...any) {
	r.say(&r.Findings, kind, format, args...)
}

func (r *Report) say(list *[]string, kind, format string, args ...any) {
	r.counts[kind]++
	if n := r.counts[kind]; n <= most {
		*list = append(*list, kind+": "+fmt.Sprintf(format, args...))
	}
}

// Count returns how many faults or findings of a kind there are.
func (r *Report) Count(kind string) int { return r.counts[kind] }

// Kinds of faults and findings.
const (
	Complaint  = "complaint"          // a client met with what must not happen
	Unknown    = "unknown"            // nobody published it
	Lost       = "lost"               // acknowledged and not delivered to everybody
	Unequal    = "unequal"            // not acknowledged, and delivered to some
	Haunting   = "haunting"           // refused and delivered all the same
	Order      = "order"              // two subscribers disagree
	Sequence   = "sequence"           // a publisher's messages changed places
	Twice      = "twice"              // at QoS 2 more than once
	TwiceAfter = "twice after a kill" // the same, with a node killed in between: a finding
	Unmarked   = "unmarked"           // came again without DUP, though published once: a finding
	WrongQoS   = "wrong QoS"
	Retained   = "retained"
)

// Judge looks at everything.
func (h *History) Judge() *Report {
	r := &Report{counts: map[string]int{}}
	h.count(r)
	firsts := h.firsts(r)
	h.checkPresence(r, firsts)
	h.checkOrder(r, firsts)
	h.checkSequence(r, firsts)
	h.checkRepetitions(r)
	h.checkGroup(r)
	h.checkRetained(r, firsts)
	return r
}

func (h *History) count(r *Report) {
	for i := range h.Publishers {
		p := &h.Publishers[i]
		r.Published += len(p.Sent)
		for k := range p.Sent {
			switch p.Sent[k].Fate {
			case Acknowledged:
				r.Acknowledged++
			case Refused:
				r.Refused++
			}
		}
		for _, c := range p.Complaints {
			r.fault(Complaint, "%s: %s", p.Name, c)
		}
	}
	for i := range h.Subscribers {
		r.Delivered += len(h.Subscribers[i].Got)
		r.complaints(&h.Subscribers[i])
	}
	for i := range h.Members {
		r.Shared += len(h.Members[i].Got)
		r.complaints(&h.Members[i])
	}
}

func (r *Report) complaints(s *Subscriber) {
	for _, c := range s.Complaints {
		r.fault(Complaint, "%s: %s", s.Name, c)
	}
}

// sent returns what is known of a message, nil if it is nobody's.
func (h *History) sent(m Message) *Sent {
	if int(m.Publisher) >= len(h.Publishers) || int(m.Number) >= len(h.Publishers[m.Publisher].Sent) {
		return nil
	}
	return &h.Publishers[m.Publisher].Sent[m.Number]
}
