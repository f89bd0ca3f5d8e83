package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// source is what a node is told.
type source struct {
	args []string
	env  map[string]string
	file string
}

// load returns the settings that the sources make.
func load(t testing.TB, s source) (Config, error) {
	t.Helper()
	c := Default()
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	c.Bind(fs)
	if err := fs.Parse(s.args); err != nil {
		return c, err
	}
	path := filepath.Join(t.TempDir(), SettingsFile)
	if s.file != "" {
		if err := os.WriteFile(path, []byte(s.file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Merge(fs, func(name string) string { return s.env[name] }, path); err != nil {
		return c, err
	}
	return c, c.Validate()
}

func TestFlagThenEnvironmentThenFile(t *testing.T) {
	got, err := load(t, source{
		args: []string{"-L", "flag:1"},
		env:  map[string]string{"FOXMQ_MQTT_ADDR": "env:1", "FOXMQ_CLUSTER_ADDR": "env:2", "FOXMQ_ADMIN_ADDR": ""},
		file: "mqtt-addr = 'file:1'\ncluster-addr = 'file:2'\nadmin-addr = 'file:3'\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.MQTTAddr, want.ClusterAddr, want.AdminAddr = "flag:1", "env:2", "file:3"
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEverySettingFromEverySource(t *testing.T) {
	want := Config{
		Dir: "foxmq.d", SecretKeyFile: "", SecretKey: "00ff", ClusterAddr: "[::1]:2",
		Admin: Admin{AdminAddr: "h:3", AdminToken: "0123456789abcdef", AdminTokenFile: "f"},
		Listeners: Listeners{
			MQTTAddr: ":1", MQTTS: true, MQTTSAddr: ":5", WebSockets: true, WebSocketsAddr: "[::]:4",
			SecureWebSockets: true, SecureWebSocketsAddr: "localhost:6", QUIC: true, QUICAddr: "[::1]:7",
			UnixSocket:        "s",
			WebSocketsOrigins: "https://a.example,http://b.example:8000", ProxyProtocol: true,
			TrustedProxies: "10.0.0.0/8, ::1", TLSCertFile: "c", TLSKeyFile: "k", ServerName: "n",
			TLSClientCAFile: "ca", TLSUsernameFromCert: true,
		},
		AllowAnonymousLogin: true, SilentConnectErrors: true, LogFormat: "json", DataDir: "d", Durability: "sync",
		NodeTimeout: 4 * time.Second, StallDispatch: "local", SysInterval: 5 * time.Second,
		Limits: Limits{
			ConnectTimeout: 90 * time.Second, MaxKeepAlive: 60, MaxSessionExpiry: 2 * day, MaxConnections: 12,
			MaxConnectionsPerAddress: 13, BanAfter: 14, BanTime: 15 * time.Second, MaxConnectionsPerUser: 11, MaxPublishRate: 5, MaxPublishBytes: 2 << 10,
			MaxPacketSize: 64 << 10, MaxTopicLength: 100, MaxTopicLevels: 9, MaxSubscriptions: 10,
			MaxInflight: 7, MaxQueuedMessages: 8, MaxQueuedBytes: 1 << 20, MaxQueuedTotal: 3 << 20, MaxPendingBytes: 1 << 30,
		},
	}
	settings := [][2]string{
		{"secret-key", "00ff"},
		{"mqtt-addr", ":1"},
		{"cluster-addr", "[::1]:2"},
		{"admin-addr", "h:3"},
		{"admin-token", "0123456789abcdef"},
		{"admin-token-file", "f"},
		{"websockets", "true"},
		{"websockets-addr", "[::]:4"},
		{"mqtts", "true"},
		{"mqtts-addr", ":5"},
		{"secure-websockets", "true"},
		{"secure-websockets-addr", "localhost:6"},
		{"quic", "true"},
		{"quic-addr", "[::1]:7"},
		{"unix-socket", "s"},
		{"websockets-origins", "https://a.example,http://b.example:8000"},
		{"proxy-protocol", "true"},
		{"trusted-proxies", "10.0.0.0/8, ::1"},
		{"tls-cert-file", "c"},
		{"tls-key-file", "k"},
		{"server-name", "n"},
		{"tls-client-ca-file", "ca"},
		{"tls-username-from-cert", "true"},
		{"max-keep-alive", "60"},
		{"allow-anonymous-login", "true"},
		{"silent-connect-errors", "true"},
		{"log", "json"},
		{"data-dir", "d"},
		{"durability", "sync"},
		{"connect-timeout", "90"},
		{"max-session-expiry", "2d"},
		{"node-timeout", "4s"},
		{"stall-dispatch", "local"},
		{"sys-interval", "5s"},
		{"max-connections", "12"},
		{"max-connections-per-user", "11"},
		{"max-connections-per-address", "13"},
		{"ban-after", "14"},
		{"ban-time", "15s"},
		{"max-publish-rate", "5"},
		{"max-publish-bytes", "2KiB"},
		{"max-packet-size", "64KiB"},
		{"max-topic-length", "100"},
		{"max-topic-levels", "9"},
		{"max-subscriptions", "10"},
		{"max-inflight", "7"},
		{"max-queued-messages", "8"},
		{"max-queued-bytes", "1048576"},
		{"max-queued-bytes-total", "3MiB"},
		{"max-pending-bytes", "1GiB"},
	}
	sources := map[string]source{"flags": {}, "environment": {env: map[string]string{}}, "file": {}}
	for _, s := range settings {
		flags, file := sources["flags"], sources["file"]
		flags.args = append(flags.args, "--"+s[0]+"="+s[1])
		file.file += s[0] + " = '" + s[1] + "'\n"
		sources["flags"], sources["file"] = flags, file
		sources["environment"].env[envNames(s[0])[0]] = s[1]
	}
	for what, s := range sources {
		if got, err := load(t, s); err != nil || got != want {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", what, err, got, want)
		}
	}
}

func TestTheDefaultsAreWhatTheFlagsSay(t *testing.T) {
	c := Default()
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	c.Bind(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		if f.DefValue == "" {
			return
		}
		if err := f.Value.Set(f.DefValue); err != nil {
			t.Errorf("--%s does not take its own default: %v", f.Name, err)
		}
	})
	if c != Default() || c.Validate() != nil {
		t.Errorf("the defaults become %+v (%v)", c, c.Validate())
	}
}

func TestNumbersAndBooleansInTheFile(t *testing.T) {
	c, err := load(t, source{file: "max-inflight = 9\nallow-anonymous-login = true\nconnect-timeout = 90\n"})
	if err != nil || c.MaxInflight != 9 || !c.AllowAnonymousLogin || c.ConnectTimeout != 90*time.Second {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestOtherNamesInTheEnvironment(t *testing.T) {
	c, err := load(t, source{env: map[string]string{"SECRET_KEY": "aa", "FOXMQ_LOG": "debug", "FOXMQ_LOG_FORMAT": "json"}})
	if err != nil || c.SecretKey != "aa" || c.LogFormat != "json" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestErrorsNameTheirSource(t *testing.T) {
	for _, test := range []struct {
		source source
		want   string
	}{
		{source{args: []string{"--max-inflight=0"}}, "want a number from 1 to 65535"},
		{source{args: []string{"--log=xml"}}, "want one of full, compact, pretty, json"},
		{source{args: []string{"--mqtt-addr=1883"}}, "want host:port"},
		{source{args: []string{"--max-packet-size=1TiB"}}, "want a size from 1KiB to 16MiB"},
		{source{args: []string{"--max-pending-bytes=99999999999GiB"}}, "want a size"},
		{source{args: []string{"--connect-timeout=-1s"}}, "want a time from 1s to 3600s"},
		{source{env: map[string]string{"FOXMQ_MAX_INFLIGHT": "x"}}, "FOXMQ_MAX_INFLIGHT: want a number"},
		{source{env: map[string]string{"FOXMQ_SILENT_CONNECT_ERRORS": "x"}}, "_SILENT_CONNECT_ERRORS: want true or false"},
		{source{file: "\nmax-inflight = 0\n"}, "foxmq.toml:2: max-inflight: want a number"},
		{source{file: "log = 'json'\nlogs = 1\n"}, `foxmq.toml:2: unknown key "logs"`},
		{source{file: "[log]\nformat = 'json'\n"}, "foxmq.toml:1: log: want a string, a number or a boolean"},
		{source{file: "log = [\n"}, "foxmq.toml:1: "},
		{source{args: []string{"-k", "aa", "-f", "f"}}, "both secret-key and secret-key-file are set"},
		{source{args: []string{"--node-timeout=20ms"}}, "node-timeout is less than 1s"},
		{source{args: []string{"--max-packet-size=1MiB", "--max-pending-bytes=1MiB"}}, "max-pending-bytes is less than max-packet-size and 320 bytes"},
		{source{args: []string{"--max-packet-size=1MiB", "--max-queued-bytes=1MiB"}}, "max-queued-bytes is less than max-packet-size and 320 bytes"},
		{source{args: []string{"--max-queued-bytes-total=1KiB"}}, "max-queued-bytes-total is less than max-packet-size and 320 bytes"},
		{source{args: []string{"--tls-cert-file=f"}}, "tls-cert-file and tls-key-file go together"},
		{source{args: []string{"--tls-username-from-cert"}}, "tls-username-from-cert needs tls-client-ca-file"},
		{source{args: []string{"--trusted-proxies=::1,10.0.0.0/33"}}, `"10.0.0.0/33" is not a network`},
		{source{args: []string{"--trusted-proxies=localhost"}}, `"localhost" is not a network`},
		{source{args: []string{"--websockets-origins=example.org"}}, `"example.org" is not an origin`},
		{source{args: []string{"--websockets-origins=https://example.org/"}}, "is not an origin"},
		{source{args: []string{"--server-name="}}, "want a host name or an IP address"},
	} {
		if _, err := load(t, test.source); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want %s", test.source, err, test.want)
		}
	}
}

func TestNoErrorRepeatsTheKey(t *testing.T) {
	_, err := load(t, source{file: "secret-key = [\"5ec2e7\"]\n"})
	if err == nil || strings.Contains(err.Error(), "5ec2e7") {
		t.Errorf("the error is %v", err)
	}
}

func TestNetworks(t *testing.T) {
	c, err := load(t, source{args: []string{"--trusted-proxies= 10.1.2.3/8, ::1,192.0.2.1,,2001:db8::/32,::ffff:192.0.2.2"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"10.0.0.0/8", "::1/128", "192.0.2.1/32", "2001:db8::/32", "192.0.2.2/32"}
	var got []string
	for _, p := range c.Proxies() {
		got = append(got, p.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhereTheDataGoes(t *testing.T) {
	c := Config{Dir: "d"}
	if got := c.NodeDataDir(3); got != filepath.Join("d", "data", "3") {
		t.Errorf("the data goes to %s", got)
	}
	c.DataDir = "/elsewhere"
	if got := c.NodeDataDir(3); got != "/elsewhere" {
		t.Errorf("the data goes to %s", got)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("max-inflight = 9\nallow-anonymous-login = true\nconnect-timeout = '90s'\nmax-packet-size = '1MiB'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Default()
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		c.Bind(fs)
		if mergeSettings(fs, "f", data) == nil && (c.MaxInflight < 1 || c.MaxPacketSize < 1<<10 || c.ConnectTimeout <= 0) {
			t.Errorf("out of bounds: %+v", c)
		}
	})
}
