package totp

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// TestVectors are those of RFC 6238 appendix B for SHA-1, cut to six digits.
func TestVectors(t *testing.T) {
	secret := Secret("12345678901234567890")
	for at, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step, ok := secret.Step(code, time.Unix(at, 0))
		if !ok || step != at/30 {
			t.Errorf("%s at %d: step %d, %v", code, at, step, ok)
		}
	}
}

func TestDrift(t *testing.T) {
	secret := Secret("12345678901234567890")
	made := time.Unix(1111111111, 0)
	for off, want := range map[time.Duration]bool{
		0: true, 30 * time.Second: true, -30 * time.Second: true, 65 * time.Second: false, -65 * time.Second: false,
	} {
		if step, ok := secret.Step("050471", made.Add(off)); ok != want || ok && step != made.Unix()/30 {
			t.Errorf("%s off: step %d, %v", off, step, ok)
		}
	}
}

func TestWhatPeopleType(t *testing.T) {
	secret := Secret("12345678901234567890")
	for code, want := range map[string]bool{
		"050471": true, "050 471": true, " 050-471\u00a0": true, "050472": false, "": false, "50471": false, "0504711": false,
		"٠٥٠٤٧١": false, strings.Repeat("0", 10_000): false,
	} {
		if _, ok := secret.Step(code, time.Unix(1111111111, 0)); ok != want {
			t.Errorf("%.20q: %v", code, ok)
		}
	}
}

func FuzzStep(f *testing.F) {
	f.Add("050471")
	f.Add("050 471\x00")
	secret := Secret("12345678901234567890")
	f.Fuzz(func(t *testing.T, code string) {
		if _, ok := secret.Step(code, time.Unix(1111111111, 0)); ok && len(authcore.Digits(code)) != 6 {
			t.Errorf("%q passes", code)
		}
	})
}

func TestURI(t *testing.T) {
	secret := Secret("12345678901234567890")
	raw := secret.URI("Acme: & Söhne", "ada@example.com")
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || q.Get("issuer") != "Acme & Söhne" || q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" ||
		q.Get("period") != "30" || q.Get("digits") != "6" || q.Get("algorithm") != "SHA1" || u.Path != "/Acme & Söhne:ada@example.com" || strings.Contains(u.RawQuery, "+") {
		t.Errorf("%s", raw)
	}
	if got := secret.Text(); got != "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ" {
		t.Errorf("for typing: %s", got)
	}
	if a, b := NewSecret().Text(), NewSecret().Text(); a == b || len(a) != 39 {
		t.Errorf("new secrets: %s, %s", a, b)
	}
}

// TestDraw looks for the three finder patterns: a browser test has the whole
// read by another program.
func TestDraw(t *testing.T) {
	q, err := Draw("otpauth://totp/Sigra:ada@example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Sigra")
	if err != nil {
		t.Fatal(err)
	}
	if q.Size < 29 || !strings.HasPrefix(q.Path, "M4 4h7v1h-7z") || strings.ContainsFunc(q.Path, func(r rune) bool { return !strings.ContainsRune("Mhvz-0123456789 ", r) }) {
		t.Errorf("size %d, path %.60s", q.Size, q.Path)
	}
	if _, err := Draw(strings.Repeat("x", 5000)); err == nil {
		t.Error("more than a QR code can hold is drawn")
	}
}
