package caddymodule

import (
	"mime"
	"testing"
)

func TestHeaderValue(t *testing.T) {
	for name, test := range map[string]struct {
		value, encoding, want string
	}{
		"ascii stays":          {"Ada Lovelace", "rfc2047", "Ada Lovelace"},
		"rfc2047":              {"Zoë", "rfc2047", "=?utf-8?q?Zo=C3=AB?="},
		"percent":              {"Zoë", "percent", "Zo%C3%AB"},
		"percent keeps at":     {"zoë@example.com", "percent", "zo%C3%AB@example.com"},
		"ascii only":           {"Zoë", "ascii", "Zo?"},
		"raw":                  {"Zoë", "raw", "Zoë"},
		"no header injection":  {"a\r\nRemote-User: admin", "raw", "aRemote-User: admin"},
		"no null":              {"a\x00b\x7fc", "raw", "abc"},
		"broken UTF-8":         {"a\xffb", "raw", "a?b"},
		"injection with UTF-8": {"ë\r\nX: y", "rfc2047", "=?utf-8?q?=C3=ABX:_y?="},
	} {
		if got := headerValue(test.value, encodings[test.encoding]); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	decoded, err := new(mime.WordDecoder).DecodeHeader(headerValue("Zoë Ωmega", encodings[defaultEncoding]))
	if err != nil || decoded != "Zoë Ωmega" {
		t.Errorf("came back as %q, %v", decoded, err)
	}
}

func FuzzHeaderValue(f *testing.F) {
	f.Add("Ada", "rfc2047")
	f.Add("Zoë\r\n", "percent")
	f.Fuzz(func(t *testing.T, value, encoding string) {
		encode := encodings[encoding]
		if encode == nil {
			encode = encodings[defaultEncoding]
			encoding = defaultEncoding
		}
		got := headerValue(value, encode)
		for i := range len(got) {
			if c := got[i]; c < ' ' || c == 0x7f || c >= 0x80 && encoding != "raw" {
				t.Fatalf("%q as %s has byte %#x", value, encoding, c)
			}
		}
	})
}
