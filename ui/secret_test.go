package ui

import (
	"net/url"
	"testing"
)

func TestSecretsAreKeptOutOfLogs(t *testing.T) {
	for address, want := range map[string]bool{
		"/_auth/reset/abc":      true,
		"/_auth/account/email":  false,
		"/_auth/login":          false,
		"/reset/abc":            false,
		"/_auth/account/orders": false,
		"/_auth/login?return_to=%2F_auth%2Faccount%2Femail%2Fabc":                         true,
		"/_auth/login?x=1&return_to=https%3A%2F%2Fexample.com%2F_auth%2Fkeep-email%2Fabc": true,
		"/_auth/login?return_to=%2Fpage":                                                  false,
		"/_auth/login?return_to=%2Freset%2Fabc":                                           false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := IsSecret(u, "/_auth"); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
