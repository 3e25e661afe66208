package account

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func TestParseEmail(t *testing.T) {
	for in, want := range map[string]string{
		"ada@example.com":              "ada@example.com",
		" Ada@Example.COM ":            "ada@example.com",
		"ada+tag@example.com":          "ada+tag@example.com",
		"STRASSE@example.com":          "strasse@example.com",
		"straße@example.com":           "strasse@example.com", // one key, so one account
		"ada@bücher.example":           "ada@xn--bcher-kva.example",
		"ＡＤＡ@example.com":              "ada@example.com", // full width
		"José@example.com":             norm.NFC.String("josé") + "@example.com",
		norm.NFD.String("José") + "@x": norm.NFC.String("josé") + "@x",
		"ada@localhost":                "ada@localhost",
		"юля@пример.рф":                "юля@xn--e1afmkfd.xn--p1ai",
	} {
		got, ok := ParseEmail(in)
		if !ok || got.Key != want {
			t.Errorf("%q: %q, %v; want %q", in, got.Key, ok, want)
		}
	}
}

func TestParseEmailRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"empty":              "",
		"no at":              "ada",
		"two ats":            "ada@b@c",
		"no local part":      "@example.com",
		"no domain":          "ada@",
		"header injection":   "ada@example.com\r\nBcc: x@y",
		"newline inside":     "ad\na@example.com",
		"space inside":       "a da@example.com",
		"null":               "ada\x00@example.com",
		"broken UTF-8":       "ad\xff@example.com",
		"mixed scripts":      "аda@example.com", // Cyrillic а
		"bidi override":      "ada\u202e@example.com",
		"zero width":         "ad\u200ba@example.com",
		"dots":               "a..b@example.com",
		"leading dot":        ".a@example.com",
		"quotes":             `"a"@example.com`,
		"too long":           strings.Repeat("a", 64) + "@" + strings.Repeat("b", 186) + ".com",
		"local part of 65":   strings.Repeat("a", 65) + "@example.com",
		"320 characters":     strings.Repeat("a", 64) + "@" + strings.Repeat("b", 255),
		"address literal":    "ada@[127.0.0.1]",
		"domain with a dash": "ada@-example.com",
		"root dot":           "ada@example.com.",
		"empty label":        "ada@example..com",
		"no first label":     "ada@.com",
		"root dot, wide":     "ada@example.com。",
		"bidi in the domain": "ada@ex\u202eample.com",
	} {
		if got, ok := ParseEmail(in); ok {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

// TestShownAddress sees to it that what is shown, and sent to apps, is the
// address that mail goes to.
func TestShownAddress(t *testing.T) {
	for in, want := range map[string]string{
		"Ada@Example.COM":              "Ada@Example.COM",
		"ada@BÜCHER.example":           "ada@bücher.example",
		"ada@xn--bcher-kva.example":    "ada@xn--bcher-kva.example",
		"ada@exam\u200bple.com":        "ada@example.com", // zero-width space
		"ada@exam\u00adple.com":        "ada@example.com", // soft hyphen
		"ada@example\ufe0f.com":        "ada@example.com", // variation selector
		"ada@example。com":              "ada@example.com",
		"ada@ｅｘａｍｐｌｅ.com":              "ada@example.com",
		norm.NFD.String("José") + "@x": norm.NFC.String("José") + "@x",
	} {
		if got, ok := ParseEmail(in); !ok || got.Display != want {
			t.Errorf("%+q is shown as %+q, %v; want %+q", in, got.Display, ok, want)
		}
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"ada@example.com", "straße@bücher.example", "ＡＤＡ@x", "a\r\n@b", "аda@x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		email, ok := ParseEmail(raw)
		if !ok {
			return
		}
		if len(email.Key) > maxEmail || strings.ContainsAny(email.Key+email.Display, "\r\n\x00 ") || strings.Count(email.Key, "@") != 1 {
			t.Fatalf("%q gave %+v", raw, email)
		}
		if strings.ContainsFunc(email.Display, func(r rune) bool { return !unicode.IsGraphic(r) }) || len(email.Display) > maxEmail {
			t.Fatalf("%q is shown as %q", raw, email.Display)
		}
		if shown, ok := ParseEmail(email.Display); !ok || shown != email {
			t.Fatalf("%q is shown as %q, which is another address: %+v, %v", raw, email.Display, shown, ok)
		}
		again, ok := ParseEmail(email.Key)
		if !ok || again.Key != email.Key {
			t.Errorf("the key %q of %q is not stable: %q, %v", email.Key, raw, again.Key, ok)
		}
	})
}

func TestInvisibleTwinsAndMixedScripts(t *testing.T) {
	for _, raw := range []string{
		"a\u034fda@example.com", "ada\ufe0f@example.com", "ada\u180b@example.com", "ada\U000e0100@example.com", "ada\u115f@example.com",
		"ada\u3164@example.com", "ada\u2800@example.com", "ada\u200b@example.com", "aԁa@example.com", "adա@example.com", "аda@example.com",
	} {
		if email, ok := ParseEmail(raw); ok {
			t.Errorf("%+q is taken for %+q", raw, email.Key)
		}
	}
	for _, raw := range []string{"ada.lovelace+x_1@example.com", "zoë@example.com", "άδα@example.com", "ада@example.com", "田中tanaka@example.com", "ひらカタ漢@example.com", "אדה@example.com", "123@example.com"} {
		if _, ok := ParseEmail(raw); !ok {
			t.Errorf("%s is refused", raw)
		}
	}
}
