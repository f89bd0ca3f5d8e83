package main

import (
	"strconv"

	"github.com/foxmq/foxmq/internal/broker"
)

// brokerConfig is what the settings make of the broker. It works on the node.
func (d *daemon) brokerConfig() broker.Config {
	return broker.Config{
		Stream: d.node, State: d.node, Users: gate{d.users}, Permissions: d.users, Watch: d.guard, Log: d.log.Named("mqtt::broker"),

		UsersChanged:        d.users.Changed,
		UserLimits:          func(user string) broker.UserLimits { return broker.UserLimits(d.users.Limits(user)) },
		AllowAnonymous:      func() bool { return d.cfg.AllowAnonymousLogin || d.users.AllowAnonymous() },
		SilentConnectErrors: d.silent,

		ConnectTimeout:        d.cfg.ConnectTimeout,
		MaxKeepAlive:          d.cfg.MaxKeepAlive,
		MaxSessionExpiry:      d.cfg.MaxSessionExpiry,
		MaxConnections:        connectionLimit(d.cfg.MaxConnections, d.log),
		MaxConnectionsPerUser: d.cfg.MaxConnectionsPerUser,
		MaxPublishRate:        d.cfg.MaxPublishRate,
		MaxPublishBytes:       d.cfg.MaxPublishBytes,
		MaxPacketSize:         d.cfg.MaxPacketSize,
		MaxTopicLength:        d.cfg.MaxTopicLength,
		MaxTopicLevels:        d.cfg.MaxTopicLevels,
		MaxSubscriptions:      d.cfg.MaxSubscriptions,
		ReceiveMaximum:        d.cfg.MaxInflight,
		MaxQueueMessages:      d.cfg.MaxQueuedMessages,
		MaxQueueBytes:         d.cfg.MaxQueuedBytes,
		MaxQueueBytesTotal:    d.cfg.MaxQueuedTotal,

		StallDispatchLocal: d.cfg.StallDispatch == "local",
		SystemInterval:     d.cfg.SysInterval,
		System:             d.system,
	}
}

// silent tells whether who is refused is told nothing.
func (d *daemon) silent() bool { return d.cfg.SilentConnectErrors || d.users.SilentConnectErrors() }

// system is what the $SYS topics say beside what the broker counts.
func (d *daemon) system() []broker.SystemValue {
	s := d.node.Status()
	quorum := "0"
	if s.Quorum {
		quorum = "1"
	}
	return []broker.SystemValue{
		{Name: "version", Value: version},
		{Name: "clients/total", Value: strconv.Itoa(s.Machine.Connections)},
		{Name: "sessions/lasting", Value: strconv.Itoa(s.Machine.Sessions)},
		{Name: "subscriptions/replicated", Value: strconv.Itoa(s.Machine.Subscriptions)},
		{Name: "retained/count", Value: strconv.Itoa(s.Machine.Retained)},
		{Name: "cluster/node", Value: strconv.Itoa(d.self)},
		{Name: "cluster/members", Value: strconv.Itoa(s.Members)},
		{Name: "cluster/peers", Value: strconv.Itoa(s.Connected)},
		{Name: "cluster/quorum", Value: quorum},
		{Name: "cluster/round", Value: strconv.FormatUint(s.Round, 10)},
		{Name: "cluster/index", Value: strconv.FormatUint(s.Stream.Index, 10)},
		{Name: "cluster/hash", Value: s.Stream.Hash},
	}
}
