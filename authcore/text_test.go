package authcore

import (
	"strings"
	"testing"
)

func TestShortText(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"Mozilla/5.0 (Linux) é":     "Mozilla/5.0 (Linux) é",
		"Caf\xe9/1.0":               "Caf\uFFFD/1.0",
		"a\x00b\nc\x7fd\u009be":     "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe",
		strings.Repeat("x", 100e3):  strings.Repeat("x", 512),
		strings.Repeat("€", 200):    strings.Repeat("€", 170), // 171 are 513 bytes
		strings.Repeat("\xff", 512): strings.Repeat("\uFFFD", 170),
	} {
		if got := ShortText(text); got != want {
			t.Errorf("%.20q: %q, want %q", text, got, want)
		}
	}
}
