package token

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestNew(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	secret, token := New(SetUp, "u", now, time.Hour)
	hash, ok := HashOf(secret)
	if !ok || !bytes.Equal(hash, token.Hash) || strings.Contains(string(token.Hash), secret) {
		t.Errorf("the stored hash is not the secret's")
	}
	if token.Purpose != SetUp || token.UserID != "u" || !token.ExpiresAt.Equal(now.Add(time.Hour)) || token.ExpiresAt.Location() != time.UTC {
		t.Errorf("%+v", token)
	}
	if again, _ := New(SetUp, "u", now, time.Hour); again == secret {
		t.Error("two tokens have one secret")
	}
}

func TestHashOfRefusesGarbage(t *testing.T) {
	secret, _ := New(SetUp, "", time.Now(), time.Hour)
	for _, bad := range []string{"", "short", secret + "A", secret[1:], strings.Repeat("+", 43), strings.Repeat("A", 42) + "B", "../" + secret[3:]} {
		if _, ok := HashOf(bad); ok {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzHashOf(f *testing.F) {
	secret, _ := New(SetUp, "", time.Now(), time.Hour)
	f.Add(secret)
	f.Add(strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, text string) {
		if hash, ok := HashOf(text); ok && (len(text) != 43 || len(hash) != 32) {
			t.Errorf("%q has hash %x", text, hash)
		}
	})
}
