package storetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/assertion"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/secret"
)

// Keys tests assertion.KeyStore.
func Keys(t *testing.T, open func(testing.TB) assertion.KeyStore) {
	cases(t, open, map[string]func(context.Context, *testing.T, assertion.KeyStore){
		"add, list, remove": testKeys,
		"rotation race":     testKeyRace,
		"event refused":     testKeyEventRefused,
	})
}

func newKey(id string, active time.Time) assertion.StoredKey {
	return assertion.StoredKey{ID: id, Algorithm: "ES256", Sealed: []byte{0, 1, 255}, CreatedAt: now(), ActiveAt: active}
}

func addKey(ctx context.Context, s assertion.KeyStore, k assertion.StoredKey, newest string) error {
	return s.AddKey(ctx, k, newest, newEvent(audit.KeyRotate).On(k.ID))
}

func testKeys(ctx context.Context, t *testing.T, s assertion.KeyStore) {
	keys, err := s.Keys(ctx)
	must(t, err)
	same(t, "the empty list", keys, []assertion.StoredKey(nil))
	one, two := newKey("one", now()), newKey("two", now().Add(time.Hour))
	must(t, addKey(ctx, s, one, ""))
	wantError(t, addKey(ctx, s, two, ""), authcore.ErrConflict)
	wantError(t, addKey(ctx, s, two, "other"), authcore.ErrConflict)
	must(t, addKey(ctx, s, two, "one"))
	keys, err = s.Keys(ctx)
	must(t, err)
	same(t, "the list", keys, []assertion.StoredKey{two, one})
	must(t, s.RemoveKeys(ctx))
	must(t, s.RemoveKeys(ctx, "one", "unknown"))
	keys, err = s.Keys(ctx)
	must(t, err)
	same(t, "the list", keys, []assertion.StoredKey{two})
}

func testKeyRace(ctx context.Context, t *testing.T, s assertion.KeyStore) {
	for round, newest := 0, ""; round < 3; round++ {
		errs := concurrently(20, func(i int) error {
			return addKey(ctx, s, newKey(fmt.Sprint(round, "-", i), now().Add(time.Duration(round)*time.Hour)), newest)
		})
		wantWinners(t, errs, 1, authcore.ErrConflict)
		keys, err := s.Keys(ctx)
		must(t, err)
		if len(keys) != round+1 {
			t.Fatalf("there are %d keys after round %d", len(keys), round)
		}
		newest = keys[0].ID
	}
}

func testKeyEventRefused(ctx context.Context, t *testing.T, s assertion.KeyStore) {
	if s.AddKey(ctx, newKey("one", now()), "", newEvent("made.up")) == nil {
		t.Error("an unlisted action was accepted")
	}
	keys, err := s.Keys(ctx)
	must(t, err)
	if len(keys) != 0 {
		t.Error("the key is there without its event")
	}
}

// CheckValues tests secret.CheckStore.
func CheckValues(t *testing.T, open func(testing.TB) secret.CheckStore) {
	cases(t, open, map[string]func(context.Context, *testing.T, secret.CheckStore){
		"first value wins": func(ctx context.Context, t *testing.T, s secret.CheckStore) {
			stored := make([][]byte, 20)
			errs := concurrently(len(stored), func(i int) (err error) {
				stored[i], err = s.CheckValue(ctx, []byte{byte(i), 0xff})
				return err
			})
			wantWinners(t, errs, len(stored))
			for _, value := range stored {
				if !bytes.Equal(value, stored[0]) || len(value) != 2 {
					t.Errorf("one sees %x, another %x", stored[0], value)
				}
			}
		},
	})
}
