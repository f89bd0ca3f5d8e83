package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/foxmq/foxmq/internal/addressbook"
	"github.com/foxmq/foxmq/internal/config"
	"github.com/foxmq/foxmq/internal/users"
)

const exampleDir = "../../foxmq.d.example"

func readExample(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(exampleDir + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheExamplesLoad(t *testing.T) {
	cfg := config.Default()
	cfg.Dir = exampleDir
	book, err := addressbook.Load(cfg.File(config.AddressBookFile))
	if err != nil || len(book.Members) != 4 {
		t.Errorf("the address book: %v", err)
	}
	store, err := users.Open(users.Config{
		UsersFile: cfg.File(config.UsersFile), PermissionsFile: cfg.File(config.PermissionsFile),
	})
	if err != nil || store.Users() != 0 || store.AllowAnonymous() {
		t.Errorf("users and permissions: %v", err)
	}
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	cfg.Bind(flags)
	err = config.Merge(flags, func(string) string { return "" }, cfg.File(config.SettingsFile))
	want := config.Default()
	want.Dir = exampleDir
	if err != nil || cfg != want {
		t.Errorf("the settings are not the defaults: %+v, %v", cfg, err)
	}
}

func TestTheExamplesHaveEveryKeyWithAComment(t *testing.T) {
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	cfg := config.Default()
	cfg.Bind(flags)
	settings := readExample(t, config.SettingsFile)
	flags.VisitAll(func(f *pflag.Flag) {
		if !regexp.MustCompile(`(?m)^(# )?` + f.Name + ` = `).MatchString(settings) {
			t.Errorf("%s lacks %s", config.SettingsFile, f.Name)
		}
	})
	for name, keys := range map[string]string{
		config.AddressBookFile: "key addr",
		config.UsersFile:       "allow-anonymous-login silent-connect-errors password-hash",
		config.PermissionsFile: "topic filter allowed denied",
	} {
		for _, key := range strings.Fields(keys) {
			if !strings.Contains(readExample(t, name), key+" = ") {
				t.Errorf("%s lacks %s", name, key)
			}
		}
	}
	for name := range map[string]bool{config.AddressBookFile: true, config.UsersFile: true} {
		if text := readExample(t, name); strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "p=1$c") {
			t.Errorf("%s holds a secret", name)
		}
	}
}
