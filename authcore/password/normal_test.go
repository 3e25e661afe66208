package password

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// spellings are the forms in which keyboards and systems send one password.
func spellings(password string) map[string]string {
	return map[string]string{
		"as it is": password, "NFC": norm.NFC.String(password), "NFD": norm.NFD.String(password),
		"NFKC": norm.NFKC.String(password), "NFKD": norm.NFKD.String(password),
	}
}

func TestLongestPasswordsInEverySpelling(t *testing.T) {
	h := NewHasher(cheap, Limits{})
	for name, one := range map[string]string{
		"ASCII": "a", "umlaut": "ä", "Hangul": "각", "Greek": "ΐ", "beyond the BMP": "𝄞", "emoji": "🐴", "full width": "ｚ",
	} {
		longest := strings.Repeat(one, 256)
		if problem := (Policy{}).Check(longest); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
		if problem := (Policy{}).Check(longest + one); problem != TooLong {
			t.Errorf("%s: one more is %q", name, problem)
		}
		stored := hashOf(t, h, longest)
		for form, typed := range spellings(longest) {
			if got, err := h.Verify(t.Context(), stored, typed); err != nil || !got.OK {
				t.Errorf("%s typed as %s, %d bytes: %+v, %v", name, form, len(typed), got, err)
			}
		}
	}
}

// FuzzSpellings sees to it that what the policy accepts can be hashed, and that
// each spelling of it is the same password.
func FuzzSpellings(f *testing.F) {
	for _, seed := range []string{"correct horse", "Zoë passwörd", "ｐａｓｓ ｗｏｒｄ", "각각각각각각각각", "ﷺ", strings.Repeat("ΐ", 256)} {
		f.Add(seed)
	}
	h := NewHasher(Params{Memory: 8, Time: 1, Threads: 1}, Limits{})
	f.Fuzz(func(t *testing.T, password string) {
		if !utf8.ValidString(password) || (Policy{}).Check(password) != "" {
			return
		}
		stored := hashOf(t, h, password)
		for form, typed := range spellings(password) {
			if got, err := h.Verify(t.Context(), stored, typed); err != nil || !got.OK {
				// A spelling that is longer than any password may be refused.
				if len(typed) <= maxBytes {
					t.Fatalf("%+q typed as %s: %+v, %v", password, form, got, err)
				}
			}
		}
		if got, err := h.Verify(t.Context(), stored, password+"x"); err != nil || got.OK {
			t.Fatalf("%+q with a letter more: %+v, %v", password, got, err)
		}
	})
}

// FuzzVerify feeds the verifier hashes from a damaged database.
func FuzzVerify(f *testing.F) {
	f.Add(newArgon2id(Params{Memory: 8, Time: 1, Threads: 1}, []byte("x")).String(), "correct horse")
	f.Add("$2a$04$aaaaaaaaaaaaaaaaaaaaaa", "x")
	f.Add("", "")
	h := NewHasher(Params{Memory: 8, Time: 1, Threads: 1}, Limits{})
	f.Fuzz(func(t *testing.T, stored, password string) {
		if a, err := parseArgon2id(stored); err == nil && (a.(argon2idHash).Memory > 4096 || a.(argon2idHash).Time > 2) || Recognize(stored) == nil && !strings.HasPrefix(stored, "$argon2id") || strings.HasPrefix(stored, "$2") && !strings.Contains(stored, "$04$") {
			return // allowed, and slow by intent
		}
		if got, err := h.Verify(t.Context(), stored, password); err != nil || got.OK && password != "x" {
			t.Fatalf("%q opens %q: %+v, %v", password, stored, got, err)
		}
	})
}

func TestProductNames(t *testing.T) {
	p := Policy{Names: []string{"Acme", "sigra"}}
	for _, bad := range []string{"sigrasigra", "sigra123", "AcmeAcme", "acme-acme1"} {
		if got := p.Check(bad); got != Context && got != Common {
			t.Errorf("%s: %q", bad, got)
		}
	}
	if got := p.Check("acme makes fine anvils"); got != "" {
		t.Errorf("a sentence: %q", got)
	}
}
