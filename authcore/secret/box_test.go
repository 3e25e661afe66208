package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func newBox(t *testing.T, fill byte) *Box {
	t.Helper()
	b, err := NewBox(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealAndOpen(t *testing.T) {
	b := newBox(t, 1)
	sealed := b.Seal("keys", []byte("value"), []byte("row 1"))
	if bytes.Contains(sealed, []byte("value")) || bytes.Equal(sealed, b.Seal("keys", []byte("value"), []byte("row 1"))) {
		t.Error("the value is readable, or sealed twice the same")
	}
	if plain, err := b.Open("keys", sealed, []byte("row 1")); err != nil || string(plain) != "value" {
		t.Errorf("%q, %v", plain, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"other purpose": func() ([]byte, error) { return b.Open("mail", sealed, []byte("row 1")) },
		"other row":     func() ([]byte, error) { return b.Open("keys", sealed, []byte("row 2")) },
		"other master":  func() ([]byte, error) { return newBox(t, 2).Open("keys", sealed, []byte("row 1")) },
		"empty":         func() ([]byte, error) { return b.Open("keys", nil, []byte("row 1")) },
		"cut":           func() ([]byte, error) { return b.Open("keys", sealed[:10], []byte("row 1")) },
	} {
		if plain, err := open(); !errors.Is(err, ErrForged) {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		if _, err := b.Open("keys", forged, []byte("row 1")); !errors.Is(err, ErrForged) {
			t.Errorf("a flipped bit in byte %d goes unnoticed", i)
		}
	}
}

func TestParseMaster(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb, 0xef}, 16)
	for _, text := range []string{
		hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), " " + hex.EncodeToString(raw) + "\n",
	} {
		if got, err := ParseMaster(text); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%q: %x, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "secret", strings.Repeat("a", 32), hex.EncodeToString(raw[:31]), base64.StdEncoding.EncodeToString(append(raw, 1))} {
		if _, err := ParseMaster(text); err == nil || len(text) > 10 && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := NewBox(raw[:16]); err == nil {
		t.Error("a box of 16 bytes")
	}
}

// checkValue is a CheckStore in memory.
type checkValue struct {
	value []byte
	err   error
}

func (c *checkValue) CheckValue(_ context.Context, value []byte) ([]byte, error) {
	if c.value == nil {
		c.value = value
	}
	return c.value, c.err
}

func TestCheck(t *testing.T) {
	store := new(checkValue)
	for range 2 {
		if err := newBox(t, 1).Check(t.Context(), store); err != nil {
			t.Fatal(err)
		}
	}
	if err := newBox(t, 2).Check(t.Context(), store); !errors.Is(err, ErrOtherMaster) {
		t.Errorf("another master secret: %v", err)
	}
	if bytes.Contains(store.value, bytes.Repeat([]byte{1}, 8)) {
		t.Error("the check value tells the secret")
	}
	broken := errors.New("broken")
	store.err = broken
	if err := newBox(t, 1).Check(t.Context(), store); !errors.Is(err, broken) {
		t.Errorf("broken store: %v", err)
	}
}
