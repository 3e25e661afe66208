package password

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/sigra-auth/sigra/authcore"
)

// cheap is as little work as Argon2id allows.
var cheap = Params{Memory: 64, Time: 1, Threads: 1}

func hashOf(t *testing.T, h *Hasher, password string) string {
	t.Helper()
	stored, err := h.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestHashAndVerify(t *testing.T) {
	h := NewHasher(cheap, Limits{})
	stored := hashOf(t, h, "correct horse")
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1$") || stored == hashOf(t, h, "correct horse") {
		t.Errorf("stored %s", stored)
	}
	stronger := NewHasher(Params{Memory: 128, Time: 1, Threads: 1}, Limits{})
	for name, test := range map[string]struct {
		h                *Hasher
		stored, password string
		want             Result
	}{
		"right":                     {h, stored, "correct horse", Result{OK: true}},
		"wrong":                     {h, stored, "correct hors", Result{}},
		"case":                      {h, stored, "Correct horse", Result{}},
		"other parameters":          {stronger, stored, "correct horse", Result{OK: true, Upgrade: true}},
		"wrong, other parameters":   {stronger, stored, "wrong", Result{}},
		"no hash":                   {h, "", "correct horse", Result{}},
		"no hash, empty password":   {h, "", "", Result{}},
		"unknown hash":              {h, "$scrypt$x", "correct horse", Result{}},
		"too long":                  {h, stored, strings.Repeat("a", 5000), Result{}},
		"too long for an empty one": {h, hashOf(t, h, ""), strings.Repeat("a", 5000), Result{}},
	} {
		got, err := test.h.Verify(t.Context(), test.stored, test.password)
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, test.want)
		}
	}
	if _, err := h.Hash(t.Context(), strings.Repeat("a", 257)); err == nil {
		t.Error("257 characters were hashed")
	}
}

func TestNormalization(t *testing.T) {
	h := NewHasher(cheap, Limits{})
	for _, pair := range [][2]string{
		{norm.NFC.String("Zoë passwörd"), norm.NFD.String("Zoë passwörd")},
		{"ｐａｓｓｗｏｒｄ１", "password1"},
		{"ﬁne ligature", "fine ligature"},
	} {
		stored := hashOf(t, h, pair[0])
		if got, err := h.Verify(t.Context(), stored, pair[1]); err != nil || !got.OK {
			t.Errorf("%q is not %q: %v", pair[0], pair[1], err)
		}
	}
}

func TestBcrypt(t *testing.T) {
	h := NewHasher(cheap, Limits{})
	long := strings.Repeat("0123456789", 10)
	make := func(password string) string {
		stored, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(stored)
	}
	decomposed := norm.NFD.String("Zoë passwörd")
	for name, test := range map[string]struct {
		stored, password string
		ok               bool
	}{
		"2a":              {make("correct horse"), "correct horse", true},
		"2b":              {strings.Replace(make("correct horse"), "$2a$", "$2b$", 1), "correct horse", true},
		"2y":              {strings.Replace(make("correct horse"), "$2a$", "$2y$", 1), "correct horse", true},
		"wrong":           {make("correct horse"), "wrong horse", false},
		"first 72 bytes":  {make(long[:72]), long, true},
		"decomposed":      {make(decomposed), decomposed, true},
		"composed":        {make(norm.NFC.String(decomposed)), decomposed, true},
		"hostile cost":    {"$2a$31$" + strings.Repeat("a", 53), "x", false},
		"not really":      {"$2a$nonsense", "x", false},
		"unknown variant": {strings.Replace(make("correct horse"), "$2a$", "$2x$", 1), "correct horse", false},
	} {
		got, err := h.Verify(t.Context(), test.stored, test.password)
		if err != nil || got.OK != test.ok || got.Upgrade != test.ok {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestParseArgon2id(t *testing.T) {
	good := newArgon2id(cheap, []byte("x")).String()
	if _, err := parseArgon2id(good); err != nil {
		t.Fatal(err)
	}
	salt, tag := strings.Repeat("A", 22), strings.Repeat("A", 43)
	for name, bad := range map[string]string{
		"empty":          "",
		"other kind":     strings.Replace(good, "argon2id", "argon2i", 1),
		"other version":  strings.Replace(good, "v=19", "v=16", 1),
		"no version":     strings.Replace(good, "v=19$", "", 1),
		"too much":       "$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + tag,
		"too long":       "$argon2id$v=19$m=64,t=4294967295,p=1$" + salt + "$" + tag,
		"too many":       "$argon2id$v=19$m=65536,t=1,p=255$" + salt + "$" + tag,
		"no memory":      "$argon2id$v=19$m=0,t=1,p=1$" + salt + "$" + tag,
		"no passes":      "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + tag,
		"no threads":     "$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + tag,
		"negative":       "$argon2id$v=19$m=-64,t=1,p=1$" + salt + "$" + tag,
		"short salt":     "$argon2id$v=19$m=64,t=1,p=1$QUE$" + tag,
		"short tag":      "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$QUE",
		"padding":        good + "=",
		"trailing":       good + "$",
		"leading space":  " " + good,
		"other order":    strings.Replace(good, "m=64,t=1", "t=1,m=64", 1),
		"leading zero":   strings.Replace(good, "m=64", "m=064", 1),
		"very long salt": "$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("A", 300) + "$" + tag,
	} {
		if a, err := parseArgon2id(bad); err == nil {
			t.Errorf("%s: %q read as %+v", name, bad, a)
		}
	}
}

func FuzzParseArgon2id(f *testing.F) {
	f.Add(newArgon2id(cheap, []byte("x")).String())
	f.Add("$argon2id$v=19$m=1,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, phc string) {
		parsed, err := parseArgon2id(phc)
		a, _ := parsed.(argon2idHash)
		if err == nil && (a.String() != phc || a.Memory > maxMemory || a.Time > maxTime || a.Threads > maxThreads) {
			t.Errorf("%q read as %+v", phc, a)
		}
	})
}

func TestPolicy(t *testing.T) {
	context := []string{"Ada", "Lovelace", "ada.lovelace", "ada.lovelace@example.com", "Sigra"}
	for password, want := range map[string]Problem{
		"correct horse":                     "",
		"1234567":                           TooShort,
		"":                                  TooShort,
		"日本語パスワード":                          "", // eight characters, 24 bytes
		strings.Repeat("ä", 256):            "",
		strings.Repeat("ä", 257):            TooLong,
		strings.Repeat("a", 100000):         TooLong,
		"password1":                         Common,
		"PASSWORD1":                         Common,
		"ｐａｓｓｗｏｒｄ１":                         Common,
		"lovelace1":                         Context,
		"1LoveLace!":                        Context,
		"ada.lovelace":                      Context,
		"lovelace is what I am called here": "",
		"ada and the engine":                "",
	} {
		if got := (Policy{}).Check(password, context...); got != want {
			t.Errorf("%.20q: %q, want %q", password, got, want)
		}
	}
	if got := (Policy{MinLength: 15}).Check("fourteen chars"); got != TooShort {
		t.Errorf("14 of 15 characters: %q", got)
	}
	if got := (Policy{MinLength: 3}).Check("abcxyz7"); got != TooShort {
		t.Errorf("the least of 8 was lowered: %q", got)
	}
	if n := len(common()); n < 5000 {
		t.Errorf("the list of common passwords has %d", n)
	}
}

func TestFloodIsBounded(t *testing.T) {
	h := NewHasher(Params{Memory: 8 << 10, Time: 2, Threads: 1}, Limits{Concurrent: 2, Queue: 4, Wait: 10 * time.Second})
	var mu sync.Mutex
	done, refused := 0, 0
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			start := time.Now()
			err := h.VerifyDummy(context.Background(), "x")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case !errors.Is(err, authcore.ErrUnavailable):
				t.Error(err)
			default:
				refused++
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("refused after %s", took)
				}
			}
			if n := len(h.slots); n > 2 {
				t.Errorf("%d hashes at once", n)
			}
		})
	}
	all.Wait()
	if done < 2 || refused == 0 || h.waiting.Load() != 0 || len(h.slots) != 0 {
		t.Errorf("%d done, %d refused, %d waiting, %d running", done, refused, h.waiting.Load(), len(h.slots))
	}
}

func TestWaitingEnds(t *testing.T) {
	h := NewHasher(cheap, Limits{Concurrent: 1, Queue: 4, Wait: 20 * time.Millisecond})
	h.slots <- struct{}{} // somebody hashes for long
	if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("waited too long: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, authcore.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	<-h.slots
	if _, err := h.Hash(t.Context(), "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func BenchmarkDefaultParams(b *testing.B) {
	h := NewHasher(DefaultParams, Limits{})
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse battery staple"); err != nil {
			b.Fatal(err)
		}
	}
}
