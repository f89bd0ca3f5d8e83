package mqtt

import (
	"errors"
	"testing"
)

func TestFromClient(t *testing.T) {
	for _, p := range []Packet{
		&Connect{}, &Publish{}, &Puback{Code: NotAuthorized}, &Pubrec{}, &Pubrel{}, &Pubcomp{}, &Subscribe{},
		&Unsubscribe{}, &Pingreq{}, &Disconnect{}, &Disconnect{Code: DisconnectWithWill},
		&Disconnect{Code: TopicNameInvalid}, &Auth{Code: ReAuthenticate}, &Auth{Code: ContinueAuthentication},
	} {
		if err := FromClient(p); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []Packet{
		&Connack{}, &Suback{}, &Unsuback{}, &Pingresp{}, &Publish{SubscriptionIDs: []uint32{1}},
		&Disconnect{Code: ServerShuttingDown}, &Disconnect{ServerReference: "x"}, &Auth{},
	} {
		err := FromClient(p)
		if refusal := (*Error)(nil); !errors.As(err, &refusal) || refusal.Code != ProtocolError ||
			refusal.Packet != p.Type() {
			t.Errorf("%s %+v: got %v", p.Type(), p, err)
		}
	}
}
