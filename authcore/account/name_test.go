package account

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"   ":                                  "",
		"Ada Lovelace":                         "Ada Lovelace",
		"  Ada \t Lovelace\n":                  "Ada Lovelace",
		"Ada\r\nBcc: x@y":                      "Ada Bcc: x@y",
		"Ada\x00":                              "Ada", // PostgreSQL refuses NUL
		"\xff\xfeAda\xc3":                      "Ada",
		"Ada\ufffd":                            "Ada",
		"Ada\u202egnp.exe":                     "Adagnp.exe", // right-to-left override
		"\u2066Ada\u2069":                      "Ada",        // isolates
		"A\u200bd\u2060a\ufeff":                "Ada",        // zero width
		"Ada\u2028L\u2029":                     "Ada L",
		"Ada\u00a0L":                           "Ada L",
		"Ada\x1b[31m\x7f\u0085L":               "Ada[31m L",
		norm.NFD.String("Zoë"):                 norm.NFC.String("Zoë"),
		"Zoe\u200d\u0308":                      norm.NFC.String("Zoë"), // composed only once the joiner is gone
		"<script>alert(1)</script>":            "<script>alert(1)</script>",
		"محمد":                                 "محمد",
		"山田 太郎":                                "山田 太郎",
		"O'Brien-Smith, Jr.":                   "O'Brien-Smith, Jr.",
		strings.Repeat("\u202e", 1000) + "Ada": "Ada",
	} {
		if got := CleanLine(in); got != want {
			t.Errorf("%+q: %+q, want %+q", in, got, want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, seed := range []string{"Ada", "A\u200dd\u0301", "\xff", "\u202eAda", " \t\r\n", "e\u200d\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name := CleanLine(raw)
		hidden := strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) })
		if !utf8.ValidString(name) || hidden || strings.Contains(name, "  ") || strings.TrimSpace(name) != name || !norm.NFC.IsNormalString(name) {
			t.Fatalf("%+q became %+q", raw, name)
		}
		if again := CleanLine(name); again != name {
			t.Fatalf("%+q became %+q, and again %+q", raw, name, again)
		}
	})
}
