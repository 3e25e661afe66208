package ui

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestDeviceName(t *testing.T) {
	m := english(t)
	for header, c := range map[string]struct {
		name   string
		mobile bool
	}{
		firefox: {"Firefox on Linux", false},
		safari:  {"Safari on iOS", true},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":   {"Chrome on Windows", false},
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36": {"Chrome on Android", true},
		"curl/8.5.0": {"curl", false},
		"":           {"Unknown device", false},
	} {
		if name, mobile := deviceName(header, m); name != c.name || mobile != c.mobile {
			t.Errorf("%q: %q %v, want %q %v", header, name, mobile, c.name, c.mobile)
		}
	}
}

func TestAgo(t *testing.T) {
	m := english(t)
	for d, text := range map[time.Duration]string{
		-time.Hour: "Active now", 0: "Active now", 119 * time.Second: "Active now", 2 * time.Minute: "Active 2 minutes ago",
		119 * time.Minute: "Active 119 minutes ago", 2 * time.Hour: "Active 2 hours ago", 47 * time.Hour: "Active 47 hours ago",
		48 * time.Hour: "Active 2 days ago", 60 * 24 * time.Hour: "Active 60 days ago",
	} {
		if got := m.ago(d); got != text {
			t.Errorf("%s: %q, want %q", d, got, text)
		}
	}
}

func FuzzDeviceName(f *testing.F) {
	m := english(f)
	for _, seed := range []string{firefox, safari, "", "((((", "Mozilla/5.0 (", "a/b/c;;;", xss} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		name, _ := deviceName(header, m)
		if name == "" || utf8.ValidString(header) && !utf8.ValidString(name) || strings.Contains(name, "{") && !strings.Contains(header, "{") {
			t.Errorf("%q: %q", header, name)
		}
	})
}

func TestWholeSeconds(t *testing.T) {
	for d, text := range map[time.Duration]string{time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Hour: "3600"} {
		if got := wholeSeconds(d); got != text {
			t.Errorf("%s: %s, want %s", d, got, text)
		}
	}
}
