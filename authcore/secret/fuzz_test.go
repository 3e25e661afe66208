package secret

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// FuzzOpen opens what a damaged or hostile database may hold.
func FuzzOpen(f *testing.F) {
	box, err := NewBox(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	whole := box.Seal("keys", []byte("value"), []byte("row"))
	for _, seed := range [][]byte{nil, {1}, whole, whole[:13], whole[:29], bytes.Repeat([]byte{1}, 29)} {
		f.Add(seed, []byte("row"))
	}
	f.Fuzz(func(t *testing.T, sealed, associated []byte) {
		plain, err := box.Open("keys", sealed, associated)
		if err == nil && (string(plain) != "value" || string(associated) != "row") { // it opens what was sealed, alone
			t.Fatalf("%x for %q opens as %q, %v", sealed, associated, plain, err)
		}
		again, err := box.Open("keys", box.Seal("keys", sealed, associated), associated)
		if err != nil || !bytes.Equal(again, sealed) {
			t.Fatalf("%x comes back as %x, %v", sealed, again, err)
		}
	})
}

func FuzzParseMaster(f *testing.F) {
	f.Add(hex.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	f.Add("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
	f.Add("too short")
	f.Fuzz(func(t *testing.T, text string) {
		if master, err := ParseMaster(text); (err == nil) != (len(master) == masterLength) {
			t.Fatalf("%q: %x, %v", text, master, err)
		}
	})
}

// TestKeysOfPurposesDiffer tries purposes that could run into each other.
func TestKeysOfPurposesDiffer(t *testing.T) {
	box := newBox(t, 1)
	seen := make(map[string]string)
	for _, purpose := range []string{"", "check", "seal/", "seal/check", "seal/keys", "keys", "key", "s"} {
		key := string(box.key(purpose))
		if other, ok := seen[key]; ok || len(key) != 32 {
			t.Errorf("%q and %q have one key of %d bytes", purpose, other, len(key))
		}
		seen[key] = purpose
	}
	// A value cannot be moved by shifting bytes between purpose and data.
	sealed := box.Seal("a", []byte("x"), []byte("bc"))
	for _, pair := range [][2]string{{"ab", "c"}, {"abc", ""}, {"", "abc"}} {
		if _, err := box.Open(pair[0], sealed, []byte(pair[1])); err == nil {
			t.Errorf("opens for %q", pair)
		}
	}
}
